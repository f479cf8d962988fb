import { Exchange, type ExchangeEnd } from '../../host/exchange/exchange.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { ACCESS_PATH_LIMIT, ACCESS_TAGS_LIMIT, AccessLog } from '../../host/traffic/access-log.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('traffic/access-log')

const END: ExchangeEnd = { status: 200, durationMs: 1.23456, sentBytes: 17, isComplete: true }

function record(
  target: string,
  options: { pretty?: boolean; end?: ExchangeEnd; tags?: string[] } = {},
) {
  const lines: string[] = []
  const log = new AccessLog({
    destination: { write: (line) => void lines.push(line) },
    pretty: options.pretty ?? false,
  })
  const exchange = new Exchange(
    makeRequest({ method: 'POST', target, remoteAddress: '10.0.0.9' }),
    'web',
    0,
  )
  log.watch(exchange)
  exchange.pipeline = 'demo'
  for (const tag of options.tags ?? []) exchange.tag(tag)
  exchange.request.path = '/rewritten'
  assert.equal(lines, [], 'nothing is written before the end')
  exchange.finish(options.end ?? END)
  return { lines, exchange }
}

test('a request becomes one JSON line after it ended, as the client sent it, without its query', () => {
  const { lines, exchange } = record('/a/b?token=secret')
  assert.is(lines.length, 1)
  const line = JSON.parse(lines[0] ?? '')
  assert.match(line.time, /Z$/)
  assert.equal(
    { ...line, time: '' },
    {
      level: 'info',
      time: '',
      msg: 'request',
      server: 'web',
      pipeline: 'demo',
      method: 'POST',
      path: '/a/b',
      status: 200,
      durationMs: 1.235,
      remote: '10.0.0.9',
      sentBytes: 17,
      requestId: exchange.id,
    },
  )
})

test('an answer that broke off says so, and tags are listed', () => {
  const { lines } = record('/', { end: { ...END, isComplete: false }, tags: ['one', 'two'] })
  const line = JSON.parse(lines[0] ?? '')
  assert.is(line.isComplete, false)
  assert.is(line.tags, 'one | two')
})

test('a long path and many tags are cut', () => {
  const { lines } = record(`/${'x'.repeat(2_000)}`, { tags: Array(1_000).fill('tag') })
  const line = JSON.parse(lines[0] ?? '')
  assert.is(line.path.length, ACCESS_PATH_LIMIT + 1)
  assert.is(line.tags.length, ACCESS_TAGS_LIMIT + 1)
})

test('a path cannot forge a line or an escape sequence', () => {
  const evil = '/\r\n{"level":"error"}\x1b[2J\x9b"\\\u2028é'
  for (const pretty of [false, true]) {
    const { lines } = record(evil, { pretty, tags: [evil] })
    assert.not.match((lines[0] ?? '').slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028\u2029]/)
    if (!pretty) assert.is(JSON.parse(lines[0] ?? '').path, evil)
  }
})

test('switched off it adds nothing to the exchange', () => {
  const lines: string[] = []
  const log = new AccessLog({
    destination: { write: (line) => void lines.push(line) },
    pretty: false,
    isEnabled: false,
  })
  const exchange = new Exchange(makeRequest({}), 'web', 0)
  log.watch(exchange)
  exchange.finish(END)
  assert.equal(lines, [])
  log.isEnabled = true
  const next = new Exchange(makeRequest({}), 'web', 0)
  log.watch(next)
  next.finish(END)
  assert.is(lines.length, 1)
})
