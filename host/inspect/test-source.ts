import { isUtf8 } from 'node:buffer'
import type { GivenInSecret } from './inspected-gateway.ts'
import type { RequestState, ResponseState } from './record.ts'

/** Everything a test of one step is written from. */
export interface TestFacts {
  readonly title: string
  /** The moment, as in `2026-11-22T12:00:00.000Z`. */
  readonly recordedAt: string
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  readonly given: GivenInSecret
  readonly host: string
  readonly before: RequestState
  readonly after: RequestState
  readonly requestBody: Buffer
  readonly afterBody: Buffer | null
  /** The named result; null to go on. */
  readonly result: string | null
  /** What the filter answered itself, when its result is `replied`. */
  readonly reply: ResponseState | null
  /** The response before and after the filter's response phase; null when it ran none. */
  readonly upstream: { readonly before: ResponseState; readonly after: ResponseState } | null
}

/** Fields that carry what should not end up in a repository. */
const SECRETS = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key'])

/**
 * The text of a test file that runs what was recorded through the plugin in the folder the file lies in.
 * It holds for what was seen, at that moment; what depends on chance, on data or on secrets the author edits.
 */
export function testSource(facts: TestFacts): string {
  const { before, after, result } = facts
  const names = before.headers.filter((_, index) => index % 2 === 0)
  const secrets = names.filter((name) => SECRETS.has(name.toLowerCase()))
  const lines = [
    `// Recorded by "penstock dev" on ${facts.recordedAt.slice(0, 10)}. Keep what matters and delete the rest.`,
    ...(secrets.length === 0
      ? []
      : [
          `// It holds ${secrets.join(', ')} as received: replace them before you commit this file.`,
        ]),
    ...(needsValues(facts.given)
      ? ['// Its secrets and keys do not stand here: put some for tests in their place.']
      : []),
    "import assert from 'node:assert/strict'",
    "import { test } from 'node:test'",
    "import { loadFilter } from '@penstock/gateway/testing'",
    '',
    `test(${literal(facts.title)}, async () => {`,
    "  const filter = await loadFilter(new URL('.', import.meta.url), {",
    ...optionFields(facts),
    '  })',
    '  const result = await filter.request({',
    ...requestFields(facts),
    '  })',
    `  assert.equal(result.result, ${literal(result ?? 'next')})`,
    ...requestAsserts(before, after, facts.afterBody),
    ...(facts.reply === null ? [] : replyAsserts(facts.reply)),
    ...(facts.upstream === null ? [] : responseAsserts(facts.upstream)),
    '})',
    '',
  ]
  return lines.join('\n')
}

function needsValues({ secrets, keys }: GivenInSecret): boolean {
  return secrets.length > 0 || keys.some(({ publicKey }) => publicKey === '')
}

/** What the filter is loaded with. */
function optionFields({ parameters, given, recordedAt }: TestFacts): string[] {
  const secrets = given.secrets.map((name) => [name, literal('a secret for tests')] as const)
  const keys = given.keys.map(({ name, algorithm, publicKey }) => {
    const value = algorithm.startsWith('HS')
      ? `secret: ${literal('00'.repeat(64))}`
      : `publicKey: ${literal(publicKey === '' ? 'a public key in PEM' : publicKey)}`
    return [name, `{ algorithm: ${literal(algorithm)}, ${value} }`] as const
  })
  const values = Object.entries(parameters).map(([name, one]) => [name, literal(one)] as const)
  return [
    ...objectField('parameters', values),
    ...objectField('secrets', secrets),
    ...objectField('keys', keys),
    `    now: ${literal(recordedAt)},`,
  ]
}

function objectField(
  name: string,
  entries: readonly (readonly [key: string, code: string])[],
): string[] {
  if (entries.length === 0) return []
  const members = entries.map(([key, code]) => `      ${property(key)}: ${code},`)
  return [`    ${name}: {`, ...members, '    },']
}

function requestFields(facts: TestFacts): string[] {
  const { before, requestBody, upstream } = facts
  const target = before.query === '' ? before.path : `${before.path}?${before.query}`
  const lines = [
    `    method: ${literal(before.method)},`,
    `    path: ${literal(target)},`,
    `    host: ${literal(facts.host)},`,
    `    headers: ${pairs(withoutHost(before.headers), '    ')},`,
  ]
  if (requestBody.length > 0) lines.push(`    body: ${bytes(requestBody)},`)
  if (upstream !== null) {
    lines.push(
      '    upstream: {',
      `      status: ${upstream.before.status},`,
      `      headers: ${pairs(upstream.before.headers, '      ')},`,
      ...bodyField(upstream.before, '      '),
      '    },',
    )
  }
  return lines
}

function requestAsserts(
  before: RequestState,
  after: RequestState,
  afterBody: Buffer | null,
): string[] {
  const lines: string[] = []
  for (const part of ['method', 'path', 'query'] as const) {
    if (before[part] !== after[part]) {
      lines.push(`  assert.equal(result.request.${part}, ${literal(after[part])})`)
    }
  }
  lines.push(...headerAsserts('result.request', before.headers, after.headers))
  if (afterBody !== null) lines.push(bodyAssert('result.request', afterBody))
  return lines.length === 0 ? ['  assert.deepEqual(result.requestChanges, [])'] : lines
}

function replyAsserts(reply: ResponseState): string[] {
  return [`  assert.equal(result.response.status, ${reply.status})`, ...bodyAssertOf(reply)]
}

function responseAsserts({ before, after }: NonNullable<TestFacts['upstream']>): string[] {
  const lines = [`  assert.equal(result.response.status, ${after.status})`]
  lines.push(...headerAsserts('result.response', before.headers, after.headers))
  if (before.body.text !== after.body.text || before.body.base64 !== after.body.base64) {
    lines.push(...bodyAssertOf(after))
  }
  return lines
}

/** One for each name whose values are not what they were. */
function headerAsserts(
  message: string,
  before: readonly string[],
  after: readonly string[],
): string[] {
  const lines: string[] = []
  const names = new Set(
    [...before, ...after].filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()),
  )
  for (const name of names) {
    const now = valuesOf(after, name)
    if (JSON.stringify(valuesOf(before, name)) === JSON.stringify(now)) continue
    lines.push(
      now.length <= 1
        ? `  assert.equal(${message}.headers.get(${literal(name)}), ${literal(now[0] ?? null)})`
        : `  assert.deepEqual(${message}.headers.all(${literal(name)}), [${now.map(literal).join(', ')}])`,
    )
  }
  return lines
}

function valuesOf(list: readonly string[], lower: string): string[] {
  return list.filter((_, index) => index % 2 === 1 && list[index - 1]?.toLowerCase() === lower)
}

function bodyField(state: ResponseState, indent: string): string[] {
  const { body } = state
  if (body.size === 0 || body.isCut || !body.isComplete) return []
  return [`${indent}body: ${bytes(bufferOf(body))},`]
}

function bodyAssertOf(state: ResponseState): string[] {
  const { body } = state
  return body.isCut || !body.isComplete ? [] : [bodyAssert('result.response', bufferOf(body))]
}

function bufferOf(body: ResponseState['body']): Buffer {
  return body.text === null ? Buffer.from(body.base64 ?? '', 'base64') : Buffer.from(body.text)
}

function bodyAssert(message: string, body: Buffer): string {
  return isUtf8(body)
    ? `  assert.equal(${message}.text(), ${literal(body.toString('utf8'))})`
    : `  assert.deepEqual(Buffer.from(${message}.bytes()), ${bytes(body)})`
}

function bytes(body: Buffer): string {
  return isUtf8(body)
    ? literal(body.toString('utf8'))
    : `Buffer.from(${literal(body.toString('base64'))}, 'base64')`
}

function withoutHost(list: readonly string[]): string[] {
  return list.filter((_, index) => list[index - (index % 2)]?.toLowerCase() !== 'host')
}

/** A list of pairs: an object would lose the order, and a second value of a name. */
function pairs(list: readonly string[], indent: string): string {
  if (list.length === 0) return '[]'
  let text = '[\n'
  for (let i = 0; i < list.length; i += 2) {
    text += `${indent}  [${literal(list[i] ?? '')}, ${literal(list[i + 1] ?? '')}],\n`
  }
  return `${text}${indent}]`
}

function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name)
}

/** In single quotes, as a formatter would write it. */
function literal(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value)
  const inner = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${inner.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}
