import { capacity, keyBytes, keyLength, reserve, scratch } from './buffer.ts'
import { ABSENT, refused } from './host-error.ts'
import { secret_get } from './penstock_v1.ts'
import { refuse } from './problems.ts'

/*
 * What the operator gives the filter under `secrets:`, as a reference to a variable or a file. A secret is
 * in no configuration dump and no status, and the gateway takes it out of log lines. Names are literals:
 * `penstock build` writes them into the module as what it asks for.
 */

/**
 * The secret of this name, or null when the operator gives none. A name that is not granted ends the call.
 *
 *     const key = secrets.get('signing-key')
 */
export function get(name: string): string | null {
  const key = keyBytes(name)
  let length = secret_get(key, keyLength, scratch, capacity)
  if (length > capacity) {
    reserve(length)
    length = secret_get(key, keyLength, scratch, capacity)
  }
  if (length == ABSENT) return null
  if (length < 0) refused(length, `secret "${name}"`)
  return String.UTF8.decodeUnsafe(scratch, length)
}

/**
 * As `get`, for a field: without the secret the filter does not start.
 *
 *     private key: string = secrets.required('signing-key')
 */
export function required(name: string): string {
  const value = get(name)
  if (value !== null) return value
  refuse(`secret "${name}" is missing`)
  return ''
}
