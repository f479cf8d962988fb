import { readFileSync } from 'node:fs'
import { parseDuration } from '../../host/config/schema.ts'
import { poolSpec } from '../../host/filters/proxy-pool-spec.ts'
import { fullLimits } from '../../host/http/full-limits.ts'
import {
  MAX_EXTENSION_BYTES,
  MAX_TOTAL_EXTENSION_BYTES,
  MAX_TRAILER_BYTES,
  MAX_TRAILER_FIELDS,
} from '../../host/http/native/chunked.ts'
import { MAX_PIPELINED_BYTES } from '../../host/http/native/request-reader.ts'
import {
  MAX_RESPONSE_FIELDS,
  MAX_RESPONSE_HEADER_BYTES,
} from '../../host/http/native/response-head.ts'
import { MAX_DRAINED_BYTES } from '../../host/http/native/server-connection.ts'
import { CROWDED_SHARE, OVERLOAD_THRESHOLDS } from '../../host/http/overload/overload.ts'
import { limitFields } from '../../host/objects/http-server-limit-fields.ts'
import { limitsOf } from '../../host/objects/http-server-rules.ts'
import { httpServerKind } from '../../host/objects/http-server-spec.ts'
import { LIMITS } from '../http/native/tiny-proxy.ts'
import { NODE_DIFFERENCES } from '../http/node-differences.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('docs/http')

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8')

/** The rows `| limit | `field` | `default` | past it |` between two headings or sentences. */
function rowsBetween(from: string, to: string): Map<string, string> {
  const part = page.slice(page.indexOf(from), page.indexOf(to))
  const rows = part.matchAll(/^\| [^|]+ \| `(\w+)` \| `([^`]+)` \|/gm)
  return new Map(Array.from(rows, ([, field = '', value = '']) => [field, value]))
}

/** A default as it is written in a configuration, as the number the code works with. */
function asNumber(text: string): number {
  return /[a-z]$/.test(text) ? (parseDuration(text) ?? Number.NaN) : Number(text)
}

const server = httpServerKind.spec.parse({ kind: 'HTTPServer', name: 'a', port: 80 })

test('the limits of an HTTPServer stand there with their defaults, and none is missing', () => {
  const rows = rowsBetween('## Limits', 'These belong to each pool')
  for (const field of Object.keys(limitFields)) assert.ok(rows.has(field), `${field} is missing`)
  for (const [field, text] of rows) {
    assert.is(asNumber(text), (server as Record<string, unknown>)[field], field)
  }
})

test('the limits of a pool stand there with their defaults', () => {
  const pool = poolSpec.parse({ servers: [{ url: 'http://127.0.0.1:80' }] })
  const rows = rowsBetween('These belong to each pool', 'And these are fixed')
  assert.is(rows.size, 5)
  for (const [field, text] of rows) {
    assert.is(asNumber(text), (pool as Record<string, unknown>)[field], field)
  }
})

test('the engines have the same defaults as the configuration', () => {
  const wanted = limitsOf(server)
  assert.equal(fullLimits(LIMITS), wanted)
})

test('the fixed limits are those of the code', () => {
  for (const text of [
    `${MAX_EXTENSION_BYTES} bytes, ${MAX_TOTAL_EXTENSION_BYTES} bytes`,
    `${MAX_TRAILER_BYTES} bytes, ${MAX_TRAILER_FIELDS} fields`,
    `wait | ${MAX_PIPELINED_BYTES} bytes`,
    `connection | ${MAX_DRAINED_BYTES} bytes`,
    `${MAX_RESPONSE_HEADER_BYTES} bytes, ${MAX_RESPONSE_FIELDS} fields`,
  ]) {
    assert.ok(page.includes(text), text)
  }
})

test('the levels of overload are those of the code', () => {
  const { loopDelayMs, memoryRatio } = OVERLOAD_THRESHOLDS
  for (const level of [0, 1, 2]) {
    const from = loopDelayMs.enter[level] as number
    const delay = Number.isFinite(from) ? `${from} ms` : 'never'
    const leave = Number.isFinite(from) ? `${loopDelayMs.leave[level]} ms, ` : ''
    const percent = (ratio: number | undefined): string => `${Math.round((ratio ?? 0) * 100)} %`
    const row = `| ${level + 1} | ${delay} | ${percent(memoryRatio.enter[level])} | ${leave}${percent(memoryRatio.leave[level])} |`
    assert.ok(page.includes(row), row)
  }
  assert.ok(page.includes(`A listener with ${CROWDED_SHARE * 100} % of its`))
})

test('every difference of the engine node stands there with its reason', () => {
  const part = page.slice(page.indexOf('## Where the engine `node` differs'))
  const rows = Array.from(part.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm), ([, where, why]) => [
    where,
    why,
  ])
  assert.equal(Object.fromEntries(rows.slice(2)), NODE_DIFFERENCES)
})
