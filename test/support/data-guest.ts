/**
 * A guest that uses key-value data as the header `do` says: a letter, then a key. It returns 100 plus what
 * the host call returned; for "a", "m" and "l", 100 plus the sum when there is one.
 *
 *     g get    p put the key as its own value    d delete    s put it if there is nothing    c count
 *     a add 1  m add 1 ten times   l add 1 until that is refused, then run for ever
 */
export const DATA_GUEST = `(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_get" (func $header (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "kv_get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "kv_put" (func $put (param i32 i32 i32 i32 f64) (result i32)))
  (import "penstock_v1" "kv_delete" (func $delete (param i32 i32) (result i32)))
  (import "penstock_v1" "kv_cas" (func $cas (param i32 i32 i32 i32 i32 i32 f64) (result i32)))
  (import "penstock_v1" "kv_add" (func $add (param i32 i32 i64 f64 i32) (result i32)))
  (import "penstock_v1" "kv_count" (func $count (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "do")
  (global $do (mut i32) (i32.const 0))
  (global $key (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $do (call $id (i32.const 0) (i32.const 2))))
  (func $add1 (result i32)
    (local $code i32)
    (local.set $code
      (call $add (i32.const 65) (global.get $key) (i64.const 1) (f64.const 0) (i32.const 32)))
    (if (result i32) (i32.lt_s (local.get $code) (i32.const 0))
      (then (local.get $code)) (else (i32.load (i32.const 32)))))
  (func $act (param $c i32) (result i32)
    (local $i i32) (local $sum i32)
    (if (i32.eq (local.get $c) (i32.const 103)) (then (return
      (call $get (i32.const 65) (global.get $key) (i32.const 1024) (i32.const 1024)))))
    (if (i32.eq (local.get $c) (i32.const 112)) (then (return
      (call $put (i32.const 65) (global.get $key) (i32.const 65) (global.get $key) (f64.const 0)))))
    (if (i32.eq (local.get $c) (i32.const 100)) (then (return
      (call $delete (i32.const 65) (global.get $key)))))
    (if (i32.eq (local.get $c) (i32.const 115)) (then (return
      (call $cas (i32.const 65) (global.get $key) (i32.const 0) (i32.const -1)
        (i32.const 65) (global.get $key) (f64.const 0)))))
    (if (i32.eq (local.get $c) (i32.const 99)) (then (return
      (call $count (i32.const 65) (global.get $key)))))
    (if (i32.eq (local.get $c) (i32.const 97)) (then (return (call $add1))))
    (if (i32.eq (local.get $c) (i32.const 109)) (then
      (loop $l
        (local.set $sum (call $add1))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 10))))
      (return (local.get $sum))))
    (if (i32.eq (local.get $c) (i32.const 108)) (then
      (loop $l (br_if $l (i32.gt_s (call $add1) (i32.const 0))))
      (loop $f (br $f))))
    (i32.const -100))
  (func (export "penstock_on_request") (result i32)
    (global.set $key (i32.sub
      (call $header (i32.const 0) (global.get $do) (i32.const 64) (i32.const 4096)) (i32.const 1)))
    (i32.add (i32.const 100) (call $act (i32.load8_u (i32.const 64))))))`
