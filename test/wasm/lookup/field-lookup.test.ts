import fc from 'fast-check'
import { Exchange } from '../../../host/exchange/exchange.ts'
import { APART } from '../../../host/exchange/field-rules.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { makeRequest } from '../../../host/exchange/request.ts'
import { Response } from '../../../host/exchange/response.ts'
import { applyChanges } from '../../../host/wasm/apply-changes.ts'
import { LOCAL_GRANT } from '../../../host/wasm/grant/grant.ts'
import { Phase } from '../../../host/wasm/guest-input.ts'
import { Errno, GUEST_LIMITS } from '../../../host/wasm/limits.ts'
import { GUEST_BYTES, type HostCalls, openHostCalls } from '../../support/host-calls.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/lookup/field-lookup')

const REQUEST = 0
const RESPONSE = 1
/** Where the guests of these tests have their values read to. */
const BUFFER = 65_536

/** Names that are the same, nearly the same, as long as each other, and not granted. */
const NAMES = [
  'x-one',
  'X-ONE',
  'x_one',
  'x-two',
  'x^two',
  'x~two',
  'x|two',
  'accept',
  'authorization',
  'x-secret',
  'x-kept',
  'date',
  'host',
  'X-Forwarded-For',
]
/** Of every kind: empty, blank, not ASCII, no value at all, around the limits of the lookup. */
const VALUES = [
  '1',
  'two words',
  'v'.repeat(16),
  'v'.repeat(63),
  'v'.repeat(64),
  'v'.repeat(65),
  '',
  ' blank',
  'blank ',
  'tab\tinside',
  '\tat the start',
  '\xfc',
  '\x7f',
  'two\r\nlines',
]
const WIRE_VALUES = VALUES.filter((value) => !/[\r\x7f]/.test(value))
const BLANKS = ['', ' ', '  ', '\t', ' \t ']

const grant = {
  ...LOCAL_GRANT,
  read: {
    ...LOCAL_GRANT.read,
    isEvery: false,
    names: ['x-one', 'x_one', 'x-two', 'x^two'],
  },
}

const linesOf = (names: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(
      fc
        .tuple(
          fc.constantFrom(...names),
          fc.constantFrom(...BLANKS),
          fc.constantFrom(...WIRE_VALUES),
          fc.constantFrom(...BLANKS),
        )
        .map(([name, before, value, after]) => `${name}:${before}${value}${after}\r\n`),
      { maxLength: 8 },
    )
    .map((lines) => lines.join(''))
const isApart = (name: string): boolean => APART.has(name.toLowerCase())
const headers = fc
  .tuple(
    linesOf([...NAMES, 'x-other'].filter((name) => !isApart(name))),
    linesOf(NAMES.filter(isApart)),
    fc.boolean(),
  )
  .map(([text, apart, isList]) => () => {
    const made = Headers.fromLines(text, apart)
    return isList ? new Headers([...made.list]) : made
  })

const message = fc.constantFrom(REQUEST, RESPONSE, 2, -1)
const name = fc.constantFrom(...NAMES)
const call = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get'), message, name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('set', 'set', 'add'),
      message,
      name,
      value: fc.constantFrom(...VALUES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('remove', 'count'), message, name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('names', 'reply', 'path'), message }) },
)
type Call = { kind: string; message: number; name?: string; value?: string }

const phase = fc.constantFrom(Phase.request, Phase.response, Phase.done)

/** Makes a call; what it answered, and what is in the buffer then. */
function make(host: HostCalls, { kind, message, name = '', value = '' }: Call): unknown {
  const id = Number(host.call('header_id', ...host.text(name)))
  host.memory().fill(0x2e, BUFFER, BUFFER + 128)
  const answer = (() => {
    if (kind === 'get') return host.call('header_get', message, id, BUFFER, 64)
    if (kind === 'set') return host.call('header_set', message, id, ...host.text(value))
    if (kind === 'add') return host.call('header_add', message, id, ...host.text(value))
    if (kind === 'remove') return host.call('header_remove', message, id)
    if (kind === 'count') return host.call('header_count', message, id)
    if (kind === 'names') return host.call('header_names', message, BUFFER, 128)
    if (kind === 'reply') return host.call('reply', 403, 0, 0)
    return host.call('field_set', 1, ...host.text('/elsewhere'))
  })()
  return [kind, answer, host.memory().latin1Slice(BUFFER, BUFFER + 128)]
}

/** Two guests, of which one asks the host for everything. */
function both(fields: Parameters<typeof openHostCalls>[1] = {}): [HostCalls, HostCalls] {
  return [
    openHostCalls('penstock_v1', fields),
    openHostCalls('penstock_v1', fields, { canLookUp: false }),
  ]
}

for (const [what, fields] of [
  ['the local grant', {}],
  ['a narrow grant', { grant }],
] as const) {
  test(`it answers, notes and charges what the host itself would, under ${what}`, () => {
    const guests = both(fields)
    fc.assert(
      fc.property(
        headers,
        headers,
        phase,
        fc.array(call, { maxLength: 24 }),
        (request, response, phase, calls) => {
          const [looked, asked] = guests.map((host) => {
            const answer = { status: 200, responseHeaders: response() }
            const hasResponse = phase !== Phase.request
            host.begin({ phase, requestHeaders: request(), ...(hasResponse ? answer : {}) })
            const answers = calls.map((one) => make(host, one))
            const { guest } = host
            return {
              answers,
              changes: guest.changes.entries(),
              denials: guest.denials,
              fuel: host.fuelUsed(),
              fields: [REQUEST, RESPONSE].map((one) => guest.headersOf(one)?.list ?? null),
            }
          })
          assert.equal(looked, asked)
        },
      ),
      { numRuns: 2_000 },
    )
  })
}

test('what is applied as it was noted is what a log of it would have made', () => {
  const guests = [true, false].map((isLocal) => openHostCalls('penstock_v1', {}, { isLocal }))
  fc.assert(
    fc.property(
      headers,
      headers,
      fc.boolean(),
      fc.array(call),
      (request, response, isLate, calls) => {
        const [noted, logged] = guests.map((host) => {
          const exchange = new Exchange(makeRequest({ target: '/' }), 's', 0)
          exchange.request.headers = request()
          if (isLate) exchange.response = new Response(200, response())
          host.begin({
            phase: isLate ? Phase.response : Phase.request,
            requestHeaders: exchange.request.headers,
            status: isLate ? 200 : 0,
            responseHeaders: exchange.response?.headers ?? null,
          })
          for (const one of calls) make(host, one)
          const ended = host.end()
          const { noted } = ended
          const log = ended.lendChanges()
          if (log !== null) assert.is(applyChanges(exchange, log), null)
          noted?.applyTo(exchange)
          assert.is(ended.noted, null)
          return [exchange.request, exchange.response].map((one) => one?.headers.list)
        })
        assert.equal(noted, logged)
      },
    ),
    { numRuns: 1_000 },
  )
})

/** One call of each guest with these request lines; what both have answered. */
function same(
  guests: readonly HostCalls[],
  text: string,
  ask: (host: HostCalls) => unknown,
): unknown {
  const [looked, asked] = guests.map((host) => {
    host.begin({ requestHeaders: Headers.fromLines(text) })
    try {
      return ask(host)
    } catch (error) {
      return String(error)
    }
  })
  assert.equal(looked, asked)
  return looked
}

test('pointers outside the memory end the call, as they do at the host', () => {
  const guests = both()
  const text = 'x-one: value\r\n'
  const set = { kind: 'set', message: REQUEST, name: 'x-one', value: 'known' }
  same(guests, text, (host) => [make(host, set), host.guest.changes.entries()])
  for (const pointer of [GUEST_BYTES - 4, GUEST_BYTES, -1, -5]) {
    const got = same(guests, text, (host) => {
      const id = Number(host.call('header_id', ...host.text('x-one')))
      return host.call('header_get', REQUEST, id, pointer, 64)
    })
    assert.match(String(got), /is outside the memory/)
    const set = same(guests, text, (host) => {
      const id = Number(host.call('header_id', ...host.text('x-one')))
      return host.call('header_set', REQUEST, id, pointer, 5)
    })
    assert.match(String(set), /is outside the memory/)
  }
  const numbers = [-1, 255, 256, 257, 2 ** 31 - 1, -(2 ** 31)]
  for (const id of numbers) {
    for (const one of numbers) {
      same(guests, text, (host) => host.call('header_get', one, id, BUFFER, 64))
      same(guests, text, (host) => host.call('header_set', one, id, BUFFER, 4))
    }
  }
})

test('more fields, longer lines and more names than it has room for are left to the host', () => {
  const guests = both()
  const many = Array.from({ length: 1_000 }, (_, i) => `x-${i}: ${i}\r\n`).join('')
  for (const text of [many, `x-1: 1\r\nx-0: ${'v'.repeat(20_000)}\r\nx-199: 199\r\n`]) {
    for (const one of ['x-1', 'x-199', 'x-200']) {
      same(guests, text, (host) => make(host, { kind: 'get', message: REQUEST, name: one }))
      same(guests, text, (host) =>
        make(host, { kind: 'set', message: REQUEST, name: one, value: 'v' }),
      )
    }
  }
  for (let i = 0; i < GUEST_LIMITS.headerNames + 10; i++) {
    const one = `${'n'.repeat(i % 200)}${i}`
    const text = `${one}: value ${i}\r\n`
    const got = same(guests, text, (host) =>
      make(host, { kind: 'get', message: REQUEST, name: one }),
    )
    assert.match(String(got), `value ${i}`)
  }
})

test('of fields with names of one length it finds the right one, and none of an earlier call', () => {
  const guests = both()
  const line = (_: unknown, i: number): string => `x-${i + 10}: ${i + 10}\r\n`
  for (const count of [40, 17, 16, 15, 1, 0]) {
    const text = Array.from({ length: count }, line).join('')
    const found = [10, 25, 26, 27, 49].filter((one) => {
      const get = { kind: 'get', message: REQUEST, name: `x-${one}` }
      return JSON.stringify(same(guests, text, (host) => make(host, get))).includes(`"${one}.`)
    })
    assert.equal(
      found,
      [10, 25, 26, 27, 49].filter((one) => one < 10 + count),
    )
  }
})

test('names longer than a byte can tell are left to the host', () => {
  const guests = both()
  const names = [254, 255, 256, 257, 512].map((length) => 'n'.repeat(length))
  const text = names
    .toReversed()
    .map((name) => `${name}: ${name.length}\r\n`)
    .join('')
  for (const name of names.filter(({ length }) => length <= GUEST_LIMITS.headerNameBytes)) {
    const got = same(guests, text, (host) => make(host, { kind: 'get', message: REQUEST, name }))
    assert.match(JSON.stringify(got), `"${name.length}.`)
    same(guests, text, (host) =>
      make(host, { kind: 'set', message: REQUEST, name, value: 'written' }),
    )
  }
})

test('a call writes as many bytes as the host would let it, and not one more', () => {
  const guests = both()
  const set = { kind: 'set', message: REQUEST }
  const answers = same(guests, '', (host) => {
    const long = ['x-long', 'x-longer'].map((name) => {
      return make(host, { ...set, name, value: 'v'.repeat(GUEST_LIMITS.headerValueBytes - 600) })
    })
    const short = Array.from({ length: 40 }, (_, i) => {
      return make(host, { ...set, name: `x-${i}`, value: 'v'.repeat(60) })
    })
    return [long, short, host.guest.changes.size]
  })
  assert.match(JSON.stringify(answers), `["set",${Errno.tooLarge}`)
})

test('what one call has written is not there in the next, whatever came of it', () => {
  const [host] = both()
  host.begin({ requestHeaders: Headers.fromLines('') })
  make(host, { kind: 'set', message: REQUEST, name: 'x-one', value: 'secret' })
  host.begin({ requestHeaders: Headers.fromLines('x-two: 2\r\n') })
  assert.equal(host.guest.changes.entries(), [])
  const id = Number(host.call('header_id', ...host.text('x-one')))
  assert.is(host.call('header_get', REQUEST, id, BUFFER, 64), Errno.absent)
})
