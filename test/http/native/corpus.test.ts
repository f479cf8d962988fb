import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpEngine } from '../../../host/http/engine.ts'
import { createNativeEngine, nativeEngine } from '../../../host/http/native/engine.ts'
import { nodeEngine } from '../../../host/http/node/engine.ts'
import { assert, suite } from '../../support/suite.ts'
import { NODE_DIFFERENCES } from '../node-differences.ts'
import {
  parseAnswer,
  type SeenRequest,
  startUpstream,
  valuesOf,
  type WireAnswer,
  WireClient,
} from '../wire.ts'
import { startTinyProxy } from './tiny-proxy.ts'

interface Case {
  readonly id: string
  readonly bytes_base64: string
  /** Statuses that are right; null when the sentence in `expected` is the bar. */
  readonly status: readonly number[] | null
  /** Must the connection close? */
  readonly close: boolean | null
  /** Requests the upstream may see. */
  readonly upstream: number | null
  readonly expected: string
  readonly ref: string
}

interface Outcome {
  readonly answers: readonly WireAnswer[]
  readonly isClosed: boolean
  readonly seen: readonly SeenRequest[]
  /** Bytes that are no answer. */
  readonly rest: string
}

/** What the sentences of cases without a status, and of some with one, ask for. */
const SENTENCES: Readonly<Record<string, (outcome: Outcome) => void>> = {
  F24: bodyIs('hello'),
  F44: bodyIs('hello'),
  F47: seesBoth,
  K01: bodyIs('hello'),
  K02: bodyIs('hello'),
  K25: seesBoth,
  R28: seesNothing,
  R30: ({ answers, seen }) => {
    if (answers[0]?.status !== 400) assert.equal(hostsOf(seen), ['evil'])
  },
  R31: lineIs('GET //evil/x HTTP/1.1'),
  H12: ({ answers, seen }) => {
    if (answers[0]?.status !== 400) assert.match(hostsOf(seen)[0] ?? '', /^a\.?$/i)
  },
  S04: ({ answers, seen }) => {
    if (answers[0]?.status === 200) assert.equal(valuesOf(onlyOne(seen), 'x'), ['a\xffb'])
  },
  S19: ({ seen }) => assert.not.equal(valuesOf(onlyOne(seen), 'connection'), ['close']),
  S20: ({ answers, seen }) => {
    if (answers[0]?.status !== 200) return
    assert.equal(valuesOf(onlyOne(seen), 'x-secret'), [])
    assert.equal(valuesOf(onlyOne(seen), 'authorization'), ['Bearer t'])
  },
  S21: ({ seen }) => assert.equal(valuesOf(onlyOne(seen), 'x-forwarded-for'), ['127.0.0.1']),
  S22: ({ answers, seen }) => {
    if (answers[0]?.status === 200) assert.equal(hostsOf(seen), ['a'])
  },
  S24: ({ seen }) => {
    for (const name of ['keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade']) {
      assert.equal(valuesOf(onlyOne(seen), name), [], name)
    }
  },
  S25: ({ seen }) => {
    const request = onlyOne(seen)
    assert.equal(valuesOf(request, 'x-forwarded-for'), ['127.0.0.1'])
    assert.equal(valuesOf(request, 'x-forwarded-proto'), ['http'])
    assert.equal(valuesOf(request, 'x-forwarded-host'), ['a'])
    assert.equal(valuesOf(request, 'forwarded'), [])
    assert.equal(valuesOf(request, 'x-real-ip'), [])
  },
  S29: ({ seen }) => assert.equal(valuesOf(onlyOne(seen), 'x'), ['1', '2', '3']),
  E01: bodyIs('hello'),
  E07: ({ answers, seen }) => {
    assert.not.equal(answers[0]?.status, 101)
    assert.equal(valuesOf(onlyOne(seen), 'upgrade'), [])
    assert.equal(valuesOf(onlyOne(seen), 'http2-settings'), [])
  },
  E08: ({ answers, seen }) => {
    assert.ok(answers.every(({ status }) => status !== 101))
    assert.is(seen.length, answers.length)
    assert.ok(seen.every((request) => valuesOf(request, 'upgrade').length === 0))
  },
  E10: servedWithoutUpgrade,
  E11: servedWithoutUpgrade,
  M01: ({ answers, rest }) => {
    assert.equal(
      answers.map(({ status }) => status),
      [200, 200],
    )
    assert.is(answers[1]?.body, 'GET /2 HTTP/1.1')
    assert.is(rest, '')
  },
  M05: ({ answers }) => {
    assert.equal(
      answers.map(({ body }) => body),
      Array.from({ length: 20 }, () => 'GET /smug HTTP/1.1'),
    )
  },
  M06: ({ answers, seen }) => {
    assert.is(answers.length, 1)
    assert.is(seen.length, 1)
  },
  P01: lineIs('GET /admin HTTP/1.1'),
  P05: lineIs('GET /public/..;/admin HTTP/1.1'),
  P08: lineIs('GET //admin HTTP/1.1'),
  P10: lineIs('GET /admin HTTP/1.1'),
  P11: lineIs('GET /admin%20 HTTP/1.1'),
  P12: lineIs('GET /%2561dmin HTTP/1.1'),
  P16: ({ answers, seen }) => {
    if (answers[0]?.status === 200)
      lineIs('GET /admin%0d%0aX-Injected:1 HTTP/1.1')({ answers, seen, isClosed: false, rest: '' })
  },
  P17: lineIs('GET /admin HTTP/1.1'),
  P21: lineIs('GET /admin?a=1&a=2;b HTTP/1.1'),
}

const CASES = JSON.parse(
  readFileSync(new URL('../../cases/http1.json', import.meta.url), 'utf8'),
) as readonly Case[]

/** A body that does not go on gets its 408 after this. */
const BODY_IDLE_MS = 200
/** Silence after which nothing more is expected. */
const QUIET_MS = 30
/** How long what must come may take on a busy machine. */
const PATIENCE_MS = 5_000

/** Cases with more than one answer. */
const ANSWERS_DUE: Readonly<Record<string, number>> = { F47: 2, K25: 2, E08: 2, M01: 2, M05: 20 }

const ENGINES: readonly (readonly [string, HttpEngine])[] = [
  ['native', nativeEngine],
  ['native without shared reads', createNativeEngine({ sharesReads: false })],
  ['node', nodeEngine],
]

for (const [name, engine] of ENGINES) {
  const test = suite(`http/corpus/${name}`)
  const outcomes = new Map<string, Outcome>()

  test.before(async () => {
    for (let i = 0; i < CASES.length; i += 39) {
      await Promise.all(
        CASES.slice(i, i + 39).map(async (one) => outcomes.set(one.id, await play(engine, one))),
      )
    }
  })

  for (const one of CASES) {
    const reason = engine.name === 'node' ? NODE_DIFFERENCES[one.id] : undefined
    test(`${one.id}: ${one.expected}${reason === undefined ? '' : ` (differs: ${reason})`}`, () => {
      const outcome = outcomes.get(one.id)
      assert.ok(outcome !== undefined)
      if (reason === undefined) judge(one, outcome as Outcome)
      // A difference that is gone must leave the list.
      else assert.not.ok(isMet(one, outcome as Outcome))
    })
  }
}

async function play(engine: HttpEngine, one: Case): Promise<Outcome> {
  const upstream = await startUpstream((socket, request) => {
    const isHead = request.line.startsWith('HEAD')
    const text = request.body === '' ? request.line : request.body
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${isHead ? '' : text}`,
      'latin1',
    )
  })
  const limits = { bodyIdleTimeoutMs: BODY_IDLE_MS, headerTimeoutMs: 1_000 }
  const proxy = await startTinyProxy(engine, upstream.origin, { limits })
  const client = await WireClient.open(proxy.port)
  client.socket.write(Buffer.from(one.bytes_base64, 'base64'))
  // What must come is waited for; then a moment of silence shows that nothing else does.
  const due = ANSWERS_DUE[one.id] ?? 1
  const isEnough = (): boolean =>
    client.hasEnded ||
    (one.close === true
      ? false
      : client.received.replaceAll('HTTP/1.1 100 ', '').split('HTTP/1.1 ').length > due)
  await Promise.race([client.until(isEnough), sleep(PATIENCE_MS)])
  if (client.received.startsWith('HTTP/1.1 400')) {
    await Promise.race([client.ended(), sleep(PATIENCE_MS)])
  }
  if (!client.hasEnded) await sleep(QUIET_MS)
  const isClosed = client.hasEnded
  const request = Buffer.from(one.bytes_base64, 'base64').latin1Slice()
  const answers: WireAnswer[] = []
  let rest = client.received
  for (;;) {
    const method = answers.length === 0 && request.startsWith('HEAD') ? 'HEAD' : 'GET'
    const parsed = parseAnswer(rest, method, isClosed)
    if (parsed === null) break
    rest = rest.slice(parsed.length)
    if (parsed.answer.status !== 100) answers.push(parsed.answer)
  }
  client.close()
  await proxy.close()
  await upstream.close()
  return { answers, isClosed, seen: upstream.seen, rest }
}

function isMet(one: Case, outcome: Outcome): boolean {
  try {
    judge(one, outcome)
    return true
  } catch {
    return false
  }
}

function judge(one: Case, outcome: Outcome): void {
  const [first] = outcome.answers
  assert.is(outcome.rest, '', 'nothing but answers')
  if (one.status !== null)
    assert.ok(one.status.includes(first?.status ?? 0), `status ${first?.status}`)
  else assert.ok(first !== undefined, 'an answer')
  if (one.close === true) assert.ok(outcome.isClosed, 'the connection closes')
  if (one.upstream !== null)
    assert.is(outcome.seen.length, one.upstream, 'requests at the upstream')
  // What is refused never goes on, whatever the case says about it.
  if (first !== undefined && first.status >= 400) assert.ok(outcome.seen.length === 0)
  if (first !== undefined && first.status === 400) assert.ok(outcome.isClosed, 'closed after a 400')
  SENTENCES[one.id]?.(outcome)
}

function onlyOne(seen: readonly SeenRequest[]): SeenRequest {
  assert.is(seen.length, 1, 'one request at the upstream')
  return seen[0] as SeenRequest
}

function hostsOf(seen: readonly SeenRequest[]): string[] {
  return valuesOf(onlyOne(seen), 'host')
}

function bodyIs(body: string): (outcome: Outcome) => void {
  return ({ answers, seen }) => {
    if (answers[0]?.status === 200) assert.is(onlyOne(seen).body, body)
  }
}

function lineIs(line: string): (outcome: Outcome) => void {
  return ({ seen }) => assert.is(onlyOne(seen).line, line)
}

function seesBoth({ answers, seen }: Outcome): void {
  assert.is(answers.length, 2)
  assert.equal(
    seen.map(({ line }) => line),
    ['POST / HTTP/1.1', 'GET /smug HTTP/1.1'],
  )
}

function seesNothing({ seen }: Outcome): void {
  assert.is(seen.length, 0)
}

function servedWithoutUpgrade({ answers, seen }: Outcome): void {
  assert.is(answers[0]?.status, 200)
  assert.equal(valuesOf(onlyOne(seen), 'upgrade'), [])
}
