import type { Headers } from '../../exchange/headers.ts'
import type { JwtAlgorithm } from '../jwt/jwt-key.ts'

/** What a guest may do, one bit each; `Grant.rights` is their sum. */
export const Right = {
  /** Read a body, of the messages whose body its description asks for. */
  bodyRead: 1,
  /** Replace a body. */
  bodyWrite: 2,
  /** Change the method, the path, the query or the host of a request. */
  target: 4,
  /** Answer a request itself, and change the status of a response. */
  reply: 8,
  /** Use key-value data. */
  data: 16,
  /** Have metrics of its own. */
  metrics: 32,
} as const

export const ALL_RIGHTS = 63

/** Headers that carry what proves who somebody is: `*` never means them, they are named or not granted. */
export const SENSITIVE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-amz-security-token',
  'x-api-key',
  'x-auth-token',
  'x-csrf-token',
  'x-xsrf-token',
])

/** Which headers of a message. Names are lower case. */
export interface HeaderGrant {
  /** Every one, sensitive ones too: the local profile. */
  readonly isEvery: boolean
  /** Every one that is not sensitive: `*`. */
  readonly isAnyPlain: boolean
  readonly names: readonly string[]
}

/** A key a guest may have tokens verified with. */
export interface KeyGrant {
  readonly name: string
  readonly algorithm: JwtAlgorithm
}

/**
 * What one filter's plugin may do, resolved when the filter starts and never again: host calls look at
 * these fields and at nothing else. Plain data, because it travels into threads.
 */
export interface Grant {
  /** A sum of `Right`. */
  readonly rights: number
  readonly read: HeaderGrant
  readonly write: HeaderGrant
  /** Hosts for outbound calls: `name`, `name:port` or `*.name`. */
  readonly outbound: readonly string[]
  /** Outbound calls may reach private addresses. Never one of our own listeners. */
  readonly allowPrivate: boolean
  /** Names of secrets. */
  readonly secrets: readonly string[]
  /** Keys, which the guest never sees. */
  readonly keys: readonly KeyGrant[]
  /** Names of the embedder's host functions. */
  readonly functions: readonly string[]
}

export const EVERY_HEADER: HeaderGrant = { isEvery: true, isAnyPlain: true, names: [] }
export const NO_HEADER: HeaderGrant = { isEvery: false, isAnyPlain: false, names: [] }

/** What an operator approves by writing `code:`: the messages and data of its own, and no network. */
export const LOCAL_GRANT: Grant = Object.freeze({
  rights: ALL_RIGHTS,
  read: EVERY_HEADER,
  write: EVERY_HEADER,
  outbound: [],
  allowPrivate: false,
  secrets: [],
  keys: [],
  functions: [],
})

/** Does the grant have this header, in lower case? */
export function allowsHeader(grant: HeaderGrant, lower: string): boolean {
  return (
    grant.isEvery ||
    grant.names.includes(lower) ||
    (grant.isAnyPlain && !SENSITIVE_HEADERS.has(lower))
  )
}

/** The fields without those the grant does not have; the same object when it has them all. */
export function readableFields(grant: HeaderGrant, headers: Headers): Headers {
  if (grant.isEvery) return headers
  return headers.filter((name) => allowsHeader(grant, name.toLowerCase()))
}
