import type { Grant, KeyGrant } from '../grant/grant.ts'
import { type JwtKey, readJwtKey } from './jwt-key.ts'
import type { JwtKeysSpec } from './jwt-keys-spec.ts'

/**
 * Keys travel into threads among the values of the secrets, under names that no secret can have: so they are
 * taken out of log lines as those are, and `secret_get`, which asks the grant for the name, never finds one.
 */
const PREFIX = 'key:'

/** Which keys there are, for the grant. */
export function keyGrants(keys: JwtKeysSpec): KeyGrant[] {
  return Object.entries(keys).map(([name, { algorithm }]) => ({ name, algorithm }))
}

/** What a filter's instances get of its keys, to stand among the values of its secrets. */
export function keyValues(
  { keys: granted }: Grant,
  keys: JwtKeysSpec,
): [name: string, value: string][] {
  return granted.flatMap(({ name }): [string, string][] => {
    const spec = keys[name]
    return spec === undefined ? [] : [[`${PREFIX}${name}`, spec.secret || spec.publicKey]]
  })
}

/** By the grant that has them: all instances of a setup in one thread have the same. */
const read = new WeakMap<Grant, ReadonlyMap<string, JwtKey>>()

/** The keys of an instance, by name. Reading one from PEM takes as long as making an instance. */
export function keysAmong(
  grant: Grant,
  values: ReadonlyMap<string, string>,
): ReadonlyMap<string, JwtKey> {
  const known = read.get(grant)
  if (known !== undefined) return known
  const made = new Map<string, JwtKey>()
  for (const { name, algorithm } of grant.keys) {
    const value = values.get(`${PREFIX}${name}`)
    if (value !== undefined) made.set(name, readJwtKey(algorithm, value))
  }
  read.set(grant, made)
  return made
}
