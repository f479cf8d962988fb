import { wat } from './wat.ts'

/** A guest that sets the request header `x-version` to one character, and sends it back on responses. */
export function versionGuest(version: string): Uint8Array {
  return wat(`(module
    (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
    (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "x-version${version}")
    (global $name (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $name (call $id (i32.const 0) (i32.const 9))))
    (func (export "penstock_on_request") (result i32)
      (drop (call $set (i32.const 0) (global.get $name) (i32.const 9) (i32.const 1)))
      (i32.const 0))
    (func (export "penstock_on_response") (result i32)
      (drop (call $set (i32.const 1) (global.get $name) (i32.const 9) (i32.const 1)))
      (i32.const 0)))`)
}

/** A guest that loops for ever when the request has the header `loop`, and otherwise does nothing. */
export function loopingGuest(): Uint8Array {
  return wat(`(module
    (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
    (import "penstock_v1" "header_count" (func $count (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "loop")
    (func (export "penstock_on_request") (result i32)
      (if (call $count (i32.const 0) (call $id (i32.const 0) (i32.const 4)))
        (then (loop $l (br $l))))
      (i32.const 0)))`)
}
