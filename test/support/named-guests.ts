import { versionGuest } from './guests.ts'
import { wat, withCustomSection } from './wat.ts'

export interface NamedGuestOptions {
  readonly name?: string
  readonly results?: readonly string[]
  /** In place of the guest that says its version. */
  readonly module?: Uint8Array
}

/** `versionGuest` with a description: it says its version, one character, in `x-version` of both messages. */
export function namedGuest(version: string, options: NamedGuestOptions = {}): Uint8Array {
  const { name = 'greeter', results = [], module = versionGuest(version) } = options
  const headers = { read: ['x-version'], write: ['x-version'] }
  const description = {
    abi: 'penstock_v1',
    name,
    version: `${version}.0.0`,
    phases: ['request', 'response'],
    results,
    parameters: { greeting: { type: 'string', default: 'hello' } },
    grant: { headers, data: true },
  }
  return withCustomSection(module, 'penstock', Buffer.from(JSON.stringify(description)))
}

/** What an operator grants `namedGuest` where it runs by name. */
export const NAMED_GRANT = 'grant: { headers: { read: [x-version], write: [x-version] } }'

/** Traps on every fifth request an instance serves, which is one in five: an instance ends with a trap. */
export const OFTEN_TRAPPING = wat(`(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (func (export "penstock_on_request") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (i32.eq (global.get $calls) (i32.const 5)) (then unreachable))
    (i32.const 0))
  (func (export "penstock_on_response") (result i32) (i32.const 0)))`)

/** Traps on every request. */
export const ALWAYS_TRAPPING = wat(`(module
  (memory (export "memory") 1)
  (func (export "penstock_on_request") (result i32) unreachable)
  (func (export "penstock_on_response") (result i32) (i32.const 0)))`)

/** Counts to a million and more on every request, which takes some milliseconds. */
export const SLOW = wat(`(module
  (memory (export "memory") 1)
  (func (export "penstock_on_request") (result i32)
    (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 8000000))))
    (i32.const 0))
  (func (export "penstock_on_response") (result i32) (i32.const 0)))`)

/** Fails while it starts. */
export const NOT_STARTING = wat(`(module
  (memory (export "memory") 1)
  (func (export "_initialize") unreachable)
  (func (export "penstock_on_request") (result i32) (i32.const 0))
  (func (export "penstock_on_response") (result i32) (i32.const 0)))`)
