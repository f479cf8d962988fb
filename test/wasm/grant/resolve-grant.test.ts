import { Headers } from '../../../host/exchange/headers.ts'
import { PENSTOCK_V1 } from '../../../host/wasm/abi/penstock-v1.ts'
import {
  askedByImports,
  askedGrant,
  canWait,
  mergeAsked,
} from '../../../host/wasm/grant/asked-grant.ts'
import { allowsHeader, LOCAL_GRANT, Right, readableFields } from '../../../host/wasm/grant/grant.ts'
import { askedSpec, grantSpec } from '../../../host/wasm/grant/grant-spec.ts'
import { grantView } from '../../../host/wasm/grant/grant-view.ts'
import { type GrantQuestion, resolveGrant } from '../../../host/wasm/grant/resolve-grant.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/grant/resolve-grant')

const resolve = (question: Partial<GrantQuestion>) =>
  resolveGrant({ profile: 'store', asked: {}, operator: null, secrets: [], ...question })

test('code without a grant has the local profile: everything here, nothing outside', () => {
  assert.equal(resolve({ profile: 'local' }), LOCAL_GRANT)
  const asked = { outbound: ['api.example.com'], functions: ['plan'], secrets: ['key'] }
  assert.equal(resolve({ profile: 'local', asked }), LOCAL_GRANT, 'asking is not getting')
})

test('code is narrowed field by field, and widened by what is named', () => {
  const grant = resolve({
    profile: 'local',
    operator: {
      headers: { read: ['*', 'cookie'], write: [] },
      body: ['read'],
      data: false,
      outbound: ['api.example.com'],
      functions: ['plan'],
    },
    secrets: ['key'],
  })
  assert.is(grant.rights, Right.bodyRead | Right.target | Right.reply | Right.metrics)
  const readable = ['accept', 'cookie', 'authorization'].filter((name) =>
    allowsHeader(grant.read, name),
  )
  assert.equal(readable, ['accept', 'cookie'])
  assert.is(allowsHeader(grant.write, 'x-a'), false)
  assert.equal(
    [grant.outbound, grant.functions, grant.secrets],
    [['api.example.com'], ['plan'], ['key']],
  )
  assert.is(grant.allowPrivate, false)
})

test('a stored plugin has nothing that is not asked for and granted', () => {
  const everything = {
    headers: { read: ['*', 'cookie', 'x-a'], write: ['*'] },
    body: ['read' as const, 'write' as const],
    target: true,
    reply: true,
    data: true,
    metrics: true,
    outbound: ['api.example.com', 'b.other.org'],
    functions: ['plan'],
  }
  for (const [asked, operator] of [
    [everything, null],
    [{}, everything],
  ] as const) {
    const grant = resolve({ asked, operator, secrets: asked === everything ? [] : ['key'] })
    assert.is(grant.rights, 0)
    const none = ['accept', 'cookie', 'x-a'].filter((name) => allowsHeader(grant.read, name))
    assert.equal([none, grant.outbound, grant.functions, grant.secrets], [[], [], [], []])
  }
  const both = resolve({
    asked: {
      headers: { read: ['*', 'authorization'] },
      reply: true,
      outbound: ['*.other.org'],
      secrets: ['key'],
    },
    operator: everything,
    secrets: ['key', 'other'],
  })
  assert.is(both.rights, Right.reply)
  const readable = ['accept', 'x-a', 'cookie', 'authorization'].filter((name) =>
    allowsHeader(both.read, name),
  )
  assert.equal(readable, ['accept', 'x-a'], 'a sensitive name stands on both sides or on none')
  assert.equal([both.outbound, both.secrets], [['b.other.org'], ['key']])
})

test("a key needs its name on both sides of a stored plugin, and on the operator's of code", () => {
  const keys = ['login', 'other'].map((name) => ({ name, algorithm: 'ES256' as const }))
  const names = (question: Partial<GrantQuestion>): string[] =>
    resolve({ keys, ...question }).keys.map(({ name }) => name)
  assert.equal(names({ profile: 'local' }), ['login', 'other'])
  assert.equal(names({ profile: 'local', operator: { keys: ['other'] } }), ['other'])
  assert.equal(names({}), [])
  assert.equal(names({ asked: { keys: ['login', 'third'] } }), ['login'])
  assert.equal(names({ asked: { keys: ['login'] }, operator: { keys: ['other'] } }), [])
  const asked = { keys: ['login', 'third'] }
  const view = grantView(asked, resolve({ keys, asked }))
  assert.equal(view.allowed, ['keys login (ES256)'])
  assert.equal(view.denied, ['keys third'])
  assert.equal(mergeAsked(asked, { keys: ['a'] }), { keys: ['a', 'login', 'third'] })
})

test('fields that may not be read are left out before anybody sees them', () => {
  const headers = new Headers(['Host', 'a', 'Cookie', 'b', 'X-A', 'c'])
  assert.is(readableFields(LOCAL_GRANT.read, headers), headers)
  const { read } = resolve({ profile: 'local', operator: { headers: { read: ['x-a'] } } })
  assert.equal([...readableFields(read, headers).list], ['X-A', 'c'])
})

test('the imports of a module show what it asks for, and whether it may wait', () => {
  const from = (...names: string[]) => names.map((name) => ({ module: 'penstock_v1', name }))
  assert.equal(askedByImports(from('header_get', 'kv_add', 'reply', 'now')), {
    headers: { read: ['*'] },
    reply: true,
    data: true,
  })
  assert.equal(askedByImports([{ module: 'host', name: 'plan' }]), { functions: ['plan'] })
  assert.is(canWait(PENSTOCK_V1, from('now', 'answer_get')), false)
  assert.is(canWait(PENSTOCK_V1, from('http_call')), true)
  assert.is(canWait(PENSTOCK_V1, [{ module: 'host', name: 'plan' }]), true)
  const one = { headers: { read: ['b'] }, data: true }
  const other = { headers: { read: ['a', 'b'], write: ['*'] } }
  const merged = { headers: { read: ['a', 'b'], write: ['*'] }, data: true }
  assert.equal(mergeAsked(one, other), merged)
})

test('a description may ask for more than this host knows, and not for what cannot be', () => {
  assert.equal(askedSpec.parse({ teleport: true, data: true }), { data: true })
  assert.throws(
    () => askedGrant({ grant: { outbound: ['https://a'] } }, { imports: [] }),
    /grant\.outbound/,
  )
  for (const outbound of ['*', 'http://a', 'a/b', 'a:b', '*.*.a b']) {
    assert.is(grantSpec.safeParse({ outbound: [outbound] }).success, false, outbound)
  }
  for (const outbound of ['a.example.com', '*.example.com:8443', '127.0.0.1:80', '[::1]:443']) {
    assert.is(grantSpec.safeParse({ outbound: [outbound] }).success, true, outbound)
  }
})

test('the view has what is asked for, allowed and denied', () => {
  const asked = {
    headers: { read: ['*', 'cookie'] },
    body: ['write' as const],
    data: true,
    outbound: ['*'],
    secrets: ['key'],
  }
  const grant = resolve({
    asked,
    operator: { headers: { read: ['*'] }, data: true, outbound: ['a.org'], allowPrivate: true },
    secrets: ['key'],
  })
  assert.equal(grantView(asked, grant), {
    asked: [
      'headers.read *',
      'headers.read cookie',
      'body.write',
      'data',
      'outbound *',
      'secrets key',
    ],
    allowed: ['headers.read *', 'data', 'outbound a.org (private too)', 'secrets key'],
    denied: ['headers.read cookie', 'body.write'],
  })
})
