import fc from 'fast-check'
import { Exchange } from '../../host/exchange/exchange.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { applyChanges } from '../../host/wasm/apply-changes.ts'
import { Change } from '../../host/wasm/change-log.ts'
import { type Grant, LOCAL_GRANT, NO_HEADER } from '../../host/wasm/grant/grant.ts'
import { GuestCall } from '../../host/wasm/guest-call.ts'
import { GuestFields } from '../../host/wasm/guest-fields.ts'
import { emptyInput, Message, Phase } from '../../host/wasm/guest-input.ts'
import { headerName } from '../../host/wasm/header-name.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/guest-fields')

const LINES = ['Accept: */*', 'X-One: 1', 'x-one: 2', 'Cookie: a=b']
  .map((field) => `${field}\r\n`)
  .join('')
const APART = 'Host: a\r\nX-Forwarded-For: 1.2.3.4\r\n'
const NAMES = ['x-one', 'X-New', 'accept', 'x-forwarded-for', 'date', 'host', 'Connection']

const write = fc.record({
  kind: fc.constantFrom('set', 'add', 'remove'),
  name: fc.constantFrom(...NAMES),
  value: fc.constantFrom('', '1', 'a b', '\xfc'),
})
const change = fc.record({
  kind: fc.constantFrom('set', 'add', 'remove', 'reply'),
  message: fc.constantFrom(Message.request, Message.response),
  name: fc.constantFrom(...NAMES),
  value: fc.constantFrom('', '1', 'a b', 'bad\r\nvalue', ' blank', '\xfc'),
})

test('single values and all fields are those of a copy that was changed', () => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 12 }), fc.nat(12), (writes, looksAt) => {
      const input = Headers.fromLines(LINES, APART)
      const wanted = input.clone()
      const owner = { input: { ...emptyInput(Phase.request), requestHeaders: input } }
      const fields = new GuestFields(owner, Message.request)
      fields.load()
      for (const [i, { kind, name, value }] of writes.entries()) {
        const header = headerName(name)
        if (kind === 'set') wanted.setField(header, value)
        else if (kind === 'add') wanted.addField(header, value)
        else wanted.remove(header.lower)
        if (kind === 'set') fields.set(header, value)
        else if (kind === 'add') fields.add(header, value)
        else fields.remove(header)
        assert.ok(fields.maxSize >= wanted.size)
        for (const one of NAMES) {
          assert.is(fields.value(headerName(one)), wanted.get(one.toLowerCase()))
        }
        if (i === looksAt) assert.equal(fields.all?.list, wanted.list)
      }
      assert.equal(fields.all?.list, wanted.list)
      assert.equal(input.list, Headers.fromLines(LINES, APART).list)
    }),
    { numRuns: 2_000 },
  )
})

test('a message that is not there has no fields until the guest makes it', () => {
  const owner = { input: emptyInput(Phase.request) }
  const fields = new GuestFields(owner, Message.response)
  fields.load()
  assert.not(fields.isThere)
  assert.is(fields.all, null)
  fields.make()
  fields.set(headerName('X-One'), '1')
  assert.equal(fields.all?.list, ['X-One', '1'])
  const responseHeaders = new Headers(['X-Two', '2'])
  owner.input = { ...emptyInput(Phase.response), status: 200, responseHeaders }
  fields.load()
  assert.is(fields.value(headerName('X-One')), undefined)
})

test('what a guest sees of its writes is what becomes of the exchange, checked again or not', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 12 }),
      fc.boolean(),
      fc.boolean(),
      (changes, hasResponse, isLocal) => {
        const exchange = new Exchange(makeRequest({ target: '/' }), 's', 0)
        exchange.request.headers = Headers.fromLines(LINES, APART)
        if (hasResponse) exchange.response = new Response(200, Headers.fromLines(LINES))
        const call = new GuestCall(LOCAL_GRANT, isLocal)
        call.load({
          ...emptyInput(Phase.request),
          requestHeaders: exchange.request.headers,
          status: hasResponse ? 200 : 0,
          responseHeaders: exchange.response?.headers ?? null,
        })
        for (const { kind, message, name, value } of changes) {
          if (kind === 'reply') call.reply(403, new Uint8Array())
          else if (kind === 'remove') call.removeHeader(message, headerName(name))
          else if (kind === 'add') call.addHeader(message, headerName(name), value)
          else call.setHeader(message, headerName(name), value)
        }
        const seen = [Message.request, Message.response].map(
          (message) => call.headersOf(message)?.list ?? null,
        )
        const log = call.takeChanges()
        if (log !== null) assert.is(applyChanges(exchange, log), null)
        const { request, response } = exchange
        assert.equal([request.headers.list, response?.headers.list ?? null], seen)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a log that is lent is that of the next call, and is empty when it is applied', () => {
  const call = new GuestCall(LOCAL_GRANT, true)
  call.load({ ...emptyInput(Phase.request) })
  assert.is(call.lendChanges(), null)
  call.tag(Buffer.from('first'))
  const lent = call.lendChanges()
  call.unload()
  assert.is(lent?.size, 1, 'the input goes, the changes stay')
  const exchange = new Exchange(makeRequest({}), 's', 0)
  if (lent !== null) applyChanges(exchange, lent)
  assert.equal(exchange.tags, ['first'])
  assert.is(lent?.size, 0)
  call.load({ ...emptyInput(Phase.request) })
  call.tag(Buffer.from('second'))
  assert.is(call.lendChanges(), lent)
})

test('a log that is taken is not that of the next call', () => {
  const call = new GuestCall(LOCAL_GRANT, true)
  call.tag(Buffer.from('first'))
  const first = call.takeChanges()
  assert.is(call.takeChanges(), null)
  call.tag(Buffer.from('second'))
  assert.is(first?.size, 1)
  assert.is(String(first?.valueAt(0)), 'first')
})

test('for another thread, setting a field that the guest can see is not there is adding it', () => {
  const kinds = (grant: Grant, ...names: string[]): number[] => {
    const call = new GuestCall(grant)
    call.load({ ...emptyInput(Phase.request), requestHeaders: Headers.fromLines('X-One: 1\r\n') })
    for (const name of names) call.setHeader(Message.request, headerName(name, grant), 'v')
    return call.changes.entries().map(([kind]) => kind)
  }
  const { requestHeaderSet: set, requestHeaderAdd: add } = Change
  assert.equal(kinds(LOCAL_GRANT, 'x-one', 'x-two', 'X-Two'), [set, add, set])
  // It may be there, among what the guest may not read.
  const blind: Grant = { ...LOCAL_GRANT, read: NO_HEADER }
  assert.equal(kinds(blind, 'x-two'), [set])
})
