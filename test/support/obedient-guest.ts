import { Headers } from '../../host/exchange/headers.ts'
import { Change } from '../../host/wasm/change-log.ts'
import type { GuestItem, GuestOutcome, PluginSetup } from '../../host/wasm/executor.ts'
import { Phase } from '../../host/wasm/guest-input.ts'
import { wat } from './wat.ts'

/**
 * A guest that does what the header `do` says, by its first letter: "loop" runs for ever, "trap" traps,
 * "reply" answers by itself, "big" sets a body of 300,000 bytes, "greet" logs, "7" returns result 7,
 * "fill" fills memory for ever, "host" calls the host for ever, "count" says how often it was called.
 * Whatever it does, it sets `x-did` to what the header said.
 */
export const OBEDIENT = `(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "body_set" (func $body (param i32 i32 i32) (result i32)))
  (import "penstock_v1" "reply" (func $reply (param i32 i32 i32) (result i32)))
  (import "penstock_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 8)
  (data (i32.const 0) "dox-did")
  (global $do (mut i32) (i32.const 0))
  (global $did (mut i32) (i32.const 0))
  (global $calls (mut i32) (i32.const 0))
  (func (export "_initialize")
    (global.set $do (call $id (i32.const 0) (i32.const 2)))
    (global.set $did (call $id (i32.const 2) (i32.const 5))))
  (func (export "penstock_on_request") (result i32)
    (local $n i32) (local $c i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 32) (i32.add (i32.load (i32.const 32)) (i32.const 1)))
    (local.set $n (call $get (i32.const 0) (global.get $do) (i32.const 64) (i32.const 64)))
    (local.set $c (i32.load8_u (i32.const 64)))
    (if (i32.eq (local.get $c) (i32.const 108)) (then (loop $l (br $l))))
    (if (i32.eq (local.get $c) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $c) (i32.const 102))
      (then (loop $l (memory.fill (i32.const 1024) (i32.const 0) (i32.const 400000)) (br $l))))
    (if (i32.eq (local.get $c) (i32.const 104))
      (then (loop $l
        (drop (call $get (i32.const 0) (global.get $do) (i32.const 64) (i32.const 64))) (br $l))))
    (if (i32.eq (local.get $c) (i32.const 114))
      (then (drop (call $reply (i32.const 401) (i32.const 64) (local.get $n)))))
    (if (i32.eq (local.get $c) (i32.const 98))
      (then (drop (call $body (i32.const 0) (i32.const 128) (i32.const 300000)))))
    (if (i32.eq (local.get $c) (i32.const 103))
      (then (call $log (i32.const 1) (i32.const 64) (local.get $n))))
    (drop (call $set (i32.const 0) (global.get $did) (i32.const 64) (local.get $n)))
    (if (i32.eq (local.get $c) (i32.const 55)) (then (return (i32.const 7))))
    (if (i32.eq (local.get $c) (i32.const 99))
      (then (return (i32.add (global.get $calls) (i32.mul (i32.const 10) (i32.load (i32.const 32)))))))
    (i32.const 0)))`

/** What a thread needs to run it. */
export const OBEDIENT_SETUP: PluginSetup = {
  id: 1,
  name: 'obedient',
  abi: 'penstock_v1',
  module: new WebAssembly.Module(new Uint8Array(wat(OBEDIENT))),
  parameters: new Map(),
  fuel: 1_000_000_000,
  data: null,
  reset: 'never',
}

/** A request whose header `do` says what the guest does. */
export function itemThat(does: string): GuestItem {
  return {
    phase: Phase.request,
    method: 'GET',
    path: '/',
    query: '',
    scheme: 'http',
    host: 'localhost',
    clientAddress: '127.0.0.1',
    route: 'demo',
    requestId: 'r-1',
    protocol: '1.1',
    requestHeaders: new Headers(['accept', '*/*', 'Do', does]),
    requestBody: null,
    status: 0,
    responseHeaders: null,
    responseBody: null,
    context: null,
  }
}

/** What the guest said it did, or the code of the failure. */
export function did(outcome: GuestOutcome): string {
  const { changes, failure } = outcome
  // A field that was not there is set or added: a thread says the latter.
  const set = changes?.find(Change.requestHeaderSet) ?? -1
  const at = set >= 0 ? set : (changes?.find(Change.requestHeaderAdd) ?? -1)
  return String(at < 0 ? failure?.code : changes?.valueAt(at))
}

/** The size of the request body the guest has set; 0 for none. */
export function bodySize(outcome: GuestOutcome): number {
  const at = outcome.changes?.find(Change.requestBody) ?? -1
  return at < 0 ? 0 : (outcome.changes?.valueAt(at).length ?? 0)
}
