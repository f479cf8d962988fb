import { allowsHeader, type Grant, type HeaderGrant, Right } from './grant.ts'
import type { AskedGrant } from './grant-spec.ts'

/**
 * A grant as people read it, each line a capability such as `headers.read authorization`: what the module
 * asks for, what it may do, and what it asks for and may not do. JSON data.
 */
export interface GrantView {
  readonly asked: readonly string[]
  readonly allowed: readonly string[]
  readonly denied: readonly string[]
}

const FLAGS = [
  ['target', Right.target],
  ['reply', Right.reply],
  ['data', Right.data],
  ['metrics', Right.metrics],
] as const

/** The view `plugin inspect` prints. */
export function grantView(asked: AskedGrant, grant: Grant): GrantView {
  const wanted: string[] = []
  const denied: string[] = []
  const note = (line: string, isAllowed: boolean): void => {
    wanted.push(line)
    if (!isAllowed) denied.push(line)
  }
  for (const kind of ['read', 'write'] as const) {
    for (const name of asked.headers?.[kind] ?? []) {
      note(
        `headers.${kind} ${name}`,
        name === '*' ? grant[kind].isAnyPlain : allowsHeader(grant[kind], name),
      )
    }
  }
  for (const kind of asked.body ?? []) {
    note(`body.${kind}`, has(grant, kind === 'read' ? Right.bodyRead : Right.bodyWrite))
  }
  for (const [name, right] of FLAGS) if (asked[name] === true) note(name, has(grant, right))
  for (const host of asked.outbound ?? []) {
    note(
      `outbound ${host}`,
      host === '*' ? grant.outbound.length > 0 : grant.outbound.includes(host),
    )
  }
  for (const name of asked.secrets ?? []) note(`secrets ${name}`, grant.secrets.includes(name))
  const keys = grant.keys.map(({ name }) => name)
  for (const name of asked.keys ?? []) note(`keys ${name}`, keys.includes(name))
  for (const name of asked.functions ?? [])
    note(`functions ${name}`, grant.functions.includes(name))
  return { asked: wanted, allowed: allowedLines(grant), denied }
}

function allowedLines(grant: Grant): string[] {
  return [
    ...headerLines('headers.read', grant.read),
    ...headerLines('headers.write', grant.write),
    ...(has(grant, Right.bodyRead) ? ['body.read'] : []),
    ...(has(grant, Right.bodyWrite) ? ['body.write'] : []),
    ...FLAGS.flatMap(([name, right]) => (has(grant, right) ? [name] : [])),
    ...grant.outbound.map(
      (host) => `outbound ${host}${grant.allowPrivate ? ' (private too)' : ''}`,
    ),
    ...grant.secrets.map((name) => `secrets ${name}`),
    ...grant.keys.map(({ name, algorithm }) => `keys ${name} (${algorithm})`),
    ...grant.functions.map((name) => `functions ${name}`),
  ]
}

function headerLines(kind: string, grant: HeaderGrant): string[] {
  if (grant.isEvery) return [`${kind} * (sensitive ones too)`]
  return [
    ...(grant.isAnyPlain ? [`${kind} *`] : []),
    ...grant.names.map((name) => `${kind} ${name}`),
  ]
}

function has(grant: Grant, right: number): boolean {
  return (grant.rights & right) !== 0
}
