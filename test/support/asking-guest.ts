/**
 * A guest that waits, as the header `do` says: its first letter, with the header itself as what is asked.
 *
 *     h call GET http://DO/     f call the function `echo` with DO     t as h, then trap
 *     l as h, then loop         r as h, then recurse without end       n nothing
 *     s as h, but from a header it sets first: `x-mine` is DO
 *
 * It answers with the status of the call (100 plus the size of the answer for a function), or 1000 minus
 * what the host said when that is an error.
 */
export const ASKING_GUEST = `(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_get" (func $header (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "http_call" (func $http (param i32 i32 i32 i32 f64) (result i32)))
  (import "penstock_v1" "answer_size" (func $size (result i32)))
  (import "host" "echo" (func $echo (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "dox-mine")
  (data (i32.const 1013) "GET http://")
  (global $do (mut i32) (i32.const 0))
  (global $mine (mut i32) (i32.const 0))
  (func (export "_initialize")
    (global.set $do (call $id (i32.const 0) (i32.const 2)))
    (global.set $mine (call $id (i32.const 2) (i32.const 6))))
  (func $f (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1)))
  (func $ask (param $len i32) (result i32)
    (i32.store8 (i32.add (i32.const 1024) (local.get $len)) (i32.const 47))
    (call $http (i32.const 1013) (i32.add (local.get $len) (i32.const 12))
      (i32.const 0) (i32.const 0) (f64.const 0)))
  (func $result (param $code i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $code) (i32.const 0))
      (then (i32.sub (i32.const 1000) (local.get $code))) (else (local.get $code))))
  (func (export "penstock_on_request") (result i32)
    (local $len i32) (local $c i32) (local $code i32)
    (local.set $len (call $header (i32.const 0) (global.get $do) (i32.const 1024) (i32.const 4096)))
    (local.set $c (i32.load8_u (i32.const 1024)))
    (if (i32.eq (local.get $c) (i32.const 110)) (then (return (i32.const 5))))
    (if (i32.eq (local.get $c) (i32.const 102)) (then
      (local.set $code (call $echo (i32.const 1024) (local.get $len)))
      (return (if (result i32) (i32.lt_s (local.get $code) (i32.const 0))
        (then (call $result (local.get $code)))
        (else (i32.add (i32.const 100) (call $size)))))))
    (if (i32.eq (local.get $c) (i32.const 115)) (then
      (drop (call $set (i32.const 0) (global.get $mine) (i32.const 1024) (local.get $len)))))
    (local.set $code (call $ask (local.get $len)))
    (if (i32.eq (local.get $c) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $c) (i32.const 108)) (then (loop $l (br $l))))
    (if (i32.eq (local.get $c) (i32.const 114)) (then (drop (call $f (i32.const 0)))))
    (call $result (local.get $code))))`
