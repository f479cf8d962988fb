import type { z } from '../host/config/schema.ts'
import { poolSpec } from '../host/filters/proxy-pool-spec.ts'
import { BURST_BYTES, BYTES_PER_SECOND, SHARE_OF_SENT } from '../host/http/h2/idle-bytes.ts'
import { MAX_FAULTS } from '../host/http/h2/server-session.ts'
import { PIECE_BYTES, STALLED_FACTOR } from '../host/http/h2/server-stream.ts'
import {
  MAX_SESSION_MEMORY,
  MAX_STREAMS,
  RESET_BURST,
  RESET_RATE,
} from '../host/http/h2/session-options.ts'
import { MAX_INTERIM } from '../host/http/native/answer-reader.ts'
import {
  MAX_EXTENSION_BYTES,
  MAX_TOTAL_EXTENSION_BYTES,
  MAX_TRAILER_BYTES,
  MAX_TRAILER_FIELDS,
} from '../host/http/native/chunked.ts'
import { CLIENT_TUNING, KEEP_ALIVE_MARGIN_MS } from '../host/http/native/client-pool.ts'
import { MAX_PIPELINED_BYTES } from '../host/http/native/request-reader.ts'
import {
  MAX_REASON_LENGTH,
  MAX_RESPONSE_FIELDS,
  MAX_RESPONSE_HEADER_BYTES,
} from '../host/http/native/response-head.ts'
import { MAX_DRAINED_BYTES } from '../host/http/native/server-connection.ts'
import { OVERLOAD_THRESHOLDS } from '../host/http/overload/overload.ts'
import { HANDSHAKE_TIMEOUT_MS } from '../host/http/tls/acceptor.ts'
import { limitFields } from '../host/objects/http-server-limit-fields.ts'
import { httpServerKind } from '../host/objects/http-server-spec.ts'
import { type Field, fieldsOf } from '../host/objects/reference/fields.ts'
import { NODE_DIFFERENCES } from '../test/http/node-differences.ts'
import { refusals } from './http-probes.ts'

/** Limits of an HTTPServer that Easegress has too. */
const SERVER_FIELDS = ['clientMaxBodySize', 'keepAliveTimeout', 'maxConnections']

/** Limits of a pool of a Proxy towards its servers. */
const POOL_FIELDS = [
  'connectTimeout',
  'timeout',
  'idleTimeout',
  'keepAliveTimeout',
  'maxConnections',
  'maxRequests',
  'serverMaxBodySize',
]

/** Every table of docs/http.md that comes from the code, by the name of its place in the page. */
export function httpTables(): ReadonlyMap<string, string> {
  return new Map([
    ['refusals', refusalTable()],
    [
      'server limits',
      fieldTable(httpServerKind.spec, [...Object.keys(limitFields), ...SERVER_FIELDS]),
    ],
    ['pool limits', fieldTable(poolSpec, POOL_FIELDS)],
    ['fixed limits', fixedTable()],
    ['tls limits', tlsTable()],
    ['h2 limits', h2Table()],
    ['overload', overloadTable()],
    ['node', nodeTable()],
  ])
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('')
}

function refusalTable(): string {
  const rows = refusals().map(({ sent, status, reason }) => [sent, String(status), reason])
  return table(['what is sent', 'answer', 'reason, which the answer tells too'], rows)
}

function fieldTable(spec: z.ZodType, names: readonly string[]): string {
  const fields = fieldsOf({
    group: 'object',
    kind: '',
    description: '',
    results: null,
    example: '',
    notes: [],
    spec,
  })
  const rows = names.map((name) => {
    const field = fields.find(({ path }) => path === name)
    if (field === undefined) throw new Error(`there is no field ${name}`)
    return [`\`${name}\``, field.type, defaultOf(field), field.description]
  })
  return table(['field', 'takes', 'default', 'what it is'], rows)
}

/** As a person writes it: text without its quotes. */
function defaultOf({ default: value }: Field): string {
  return value === null ? '' : `\`${value.replaceAll('"', '')}\``
}

const bytes = (count: number): string => (count >= 1024 ? `${count / 1024} KiB` : `${count} bytes`)
const seconds = (ms: number): string => `${ms / 1000} s`
const percent = (ratio: number | undefined): string => `${Math.round((ratio ?? 0) * 100)} %`

function fixedTable(): string {
  const { keepAliveMs, maxKeepAliveMs, maxWaiting, unreadMs } = CLIENT_TUNING
  return table(
    ['limit', 'value', 'past it'],
    [
      ['extensions of a chunk', bytes(MAX_EXTENSION_BYTES), '413'],
      ['chunk extensions of a message', bytes(MAX_TOTAL_EXTENSION_BYTES), '413'],
      ['trailers', `${bytes(MAX_TRAILER_BYTES)}, ${MAX_TRAILER_FIELDS} fields`, '431'],
      ['further requests that wait on a connection', bytes(MAX_PIPELINED_BYTES), 'not read'],
      [
        'unread body that is dropped to keep a connection',
        bytes(MAX_DRAINED_BYTES),
        'closed after the answer',
      ],
      [
        'header of an answer',
        `${bytes(MAX_RESPONSE_HEADER_BYTES)}, ${MAX_RESPONSE_FIELDS} fields`,
        '502',
      ],
      ['reason of an answer', bytes(MAX_REASON_LENGTH), '502'],
      ['interim answers before an answer', String(MAX_INTERIM), '502'],
      ['an answer of an upstream that nobody reads', seconds(unreadMs), 'broken off'],
      ['requests that wait for a connection to a server', String(maxWaiting), '503'],
      [
        'a `Keep-Alive: timeout` of a server',
        `believed up to ${seconds(maxKeepAliveMs)}, less ${seconds(KEEP_ALIVE_MARGIN_MS)}`,
        `without one: \`keepAliveTimeout\`, ${seconds(keepAliveMs)}`,
      ],
    ],
  )
}

function tlsTable(): string {
  return table(
    ['limit', 'value', 'past it'],
    [
      ['time for a handshake', seconds(HANDSHAKE_TIMEOUT_MS), 'cut'],
      [
        'connections, handshakes included',
        '`maxConnections`',
        'cut: a plain 503 would mean nothing',
      ],
    ],
  )
}

function h2Table(): string {
  return table(
    ['limit', 'value', 'past it'],
    [
      ['requests at once on a connection', String(MAX_STREAMS), 'the stream is refused'],
      [
        'what waits for a client',
        `64 KiB and a piece of ${bytes(PIECE_BYTES)} a request; ${MAX_SESSION_MEMORY} MiB held by Node`,
        'the upstream waits',
      ],
      ['resets', `${RESET_BURST}, then ${RESET_RATE} a second`, 'GOAWAY'],
      ['requests refused for a mistake', `${MAX_FAULTS} a connection`, 'GOAWAY'],
      [
        'bytes that serve no request (SETTINGS, PING, PRIORITY, WINDOW_UPDATE, unknown frames, a header that does not end)',
        `${bytes(BURST_BYTES)}, then ${bytes(BYTES_PER_SECOND)} a second and 1/${SHARE_OF_SENT} of what is sent`,
        'GOAWAY',
      ],
      [
        'a client that takes nothing, with requests under way',
        `\`writeIdleTimeout\`; one request among others that move: ${STALLED_FACTOR} times that`,
        'cut',
      ],
      ['the first SETTINGS', '`headerTimeout`', 'cut'],
    ],
  )
}

const LEVELS: readonly string[] = [
  'every answer closes its connection',
  'new requests get 503 with `Retry-After`, nothing is asked of upstreams',
  'new connections are closed unheard',
]

function overloadTable(): string {
  const { loopDelayMs, memoryRatio } = OVERLOAD_THRESHOLDS
  const rows = LEVELS.map((what, level) => {
    const from = loopDelayMs.enter[level] ?? 0
    const hasDelay = Number.isFinite(from)
    const leave = percent(memoryRatio.leave[level])
    return [
      String(level + 1),
      hasDelay ? `${from} ms` : 'never',
      percent(memoryRatio.enter[level]),
      hasDelay ? `${loopDelayMs.leave[level]} ms, ${leave}` : leave,
      what,
    ]
  })
  return table(
    ['level', 'from a delay of', 'from memory of', 'below which it may end', 'what happens'],
    rows,
  )
}

function nodeTable(): string {
  return table(['where', 'reason'], Object.entries(NODE_DIFFERENCES))
}
