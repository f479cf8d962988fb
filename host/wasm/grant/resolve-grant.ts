import {
  EVERY_HEADER,
  type Grant,
  type HeaderGrant,
  type KeyGrant,
  NO_HEADER,
  Right,
  SENSITIVE_HEADERS,
} from './grant.ts'
import type { AskedGrant, GrantSpec } from './grant-spec.ts'

/** `local` is what `code` names, `store` what `plugin` names: there, nothing is granted that is not written. */
export type GrantProfile = 'local' | 'store'

/** What decides over the grant of one filter. */
export interface GrantQuestion {
  readonly profile: GrantProfile
  /** What the module asks for. */
  readonly asked: AskedGrant
  /** What the operator wrote under `grant`; null for nothing. */
  readonly operator: GrantSpec | null
  /** Names under `secrets` of the filter. */
  readonly secrets: readonly string[]
  /** What stands under `keys` of the filter. Default nothing. */
  readonly keys?: readonly KeyGrant[]
}

/**
 * The grant of a filter that starts. With the profile `store` it is what the module asks for AND the
 * operator grants. With `local` it is the local profile, narrowed by what the operator wrote, and widened
 * by the hosts and functions written there: whoever writes `code` stands for the module. Framing headers
 * are in no grant.
 */
export function resolveGrant({
  profile,
  asked,
  operator,
  secrets,
  keys = [],
}: GrantQuestion): Grant {
  const granted = operator ?? {}
  const isLocal = profile === 'local'
  const flag = (want: boolean | undefined, given: boolean | undefined): boolean =>
    isLocal ? (given ?? true) : want === true && given === true
  const body = (kind: 'read' | 'write'): boolean =>
    isLocal
      ? (granted.body?.includes(kind) ?? true)
      : (asked.body?.includes(kind) ?? false) && (granted.body?.includes(kind) ?? false)
  const headers = (kind: 'read' | 'write'): HeaderGrant => {
    const given = granted.headers?.[kind]
    if (isLocal) return given === undefined ? EVERY_HEADER : headerGrant(given)
    return bothHeaders(asked.headers?.[kind] ?? [], given ?? [])
  }
  const names = (
    want: readonly string[] | undefined,
    given: readonly string[],
  ): readonly string[] => (isLocal ? given : given.filter((name) => want?.includes(name) ?? false))
  return {
    rights:
      (body('read') ? Right.bodyRead : 0) |
      (body('write') ? Right.bodyWrite : 0) |
      (flag(asked.target, granted.target) ? Right.target : 0) |
      (flag(asked.reply, granted.reply) ? Right.reply : 0) |
      (flag(asked.data, granted.data) ? Right.data : 0) |
      (flag(asked.metrics, granted.metrics) ? Right.metrics : 0),
    read: headers('read'),
    write: headers('write'),
    outbound: isLocal
      ? (granted.outbound ?? [])
      : bothHosts(asked.outbound ?? [], granted.outbound ?? []),
    allowPrivate: granted.allowPrivate ?? false,
    secrets: names(
      asked.secrets,
      secrets.filter((name) => granted.secrets?.includes(name) ?? true),
    ),
    keys: keys.filter(
      ({ name }) =>
        (granted.keys?.includes(name) ?? true) &&
        (isLocal || (asked.keys?.includes(name) ?? false)),
    ),
    functions: names(asked.functions, granted.functions ?? []),
  }
}

function headerGrant(names: readonly string[]): HeaderGrant {
  if (names.length === 0) return NO_HEADER
  return {
    isEvery: false,
    isAnyPlain: names.includes('*'),
    names: names.filter((name) => name !== '*'),
  }
}

/** What stands on both sides, where `*` on one side stands for every plain name of the other. */
function bothHeaders(asked: readonly string[], granted: readonly string[]): HeaderGrant {
  const has = (list: readonly string[], name: string): boolean =>
    list.includes(name) || (list.includes('*') && !SENSITIVE_HEADERS.has(name))
  const names = [...new Set([...asked, ...granted])].filter(
    (name) => name !== '*' && has(asked, name) && has(granted, name),
  )
  return { isEvery: false, isAnyPlain: asked.includes('*') && granted.includes('*'), names }
}

/** Hosts of the operator that the module asks for. What it asks may be wider: then the operator's word counts. */
function bothHosts(asked: readonly string[], granted: readonly string[]): readonly string[] {
  return granted.filter((host) =>
    asked.some(
      (pattern) =>
        pattern === '*' ||
        pattern === host ||
        (pattern.startsWith('*.') && host.endsWith(pattern.slice(1))),
    ),
  )
}
