import { GatewayError } from '../../../host/errors.ts'
import {
  DEFAULT_BODY_LIMIT,
  MAX_DESCRIPTION_BYTES,
  type PluginDescription,
  readDescription,
} from '../../../host/wasm/module/description.ts'
import { readModule } from '../../../host/wasm/module/reader.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat, withCustomSection } from '../../support/wat.ts'

const test = suite('wasm/module/description')

const PLAIN = wat(`(module (memory (export "memory") 1)
  (func (export "penstock_on_response") (result i32) (i32.const 0))
  (func (export "penstock_on_done")))`)

const COMPLETE = {
  abi: 'penstock_v1',
  name: 'api-key',
  version: '1.0.0',
  sdk: '0.1.0',
  phases: ['request', 'done'],
  body: { request: 'none', response: 'bytes', limit: 65_536 },
  results: ['blocked'],
  shared: ['tenant'],
  parameters: {
    header: { type: 'string', default: 'x-api-key' },
    keys: { type: 'string', required: true },
    limit: { type: 'integer', default: 5 },
  },
  grant: { headers: ['x-*'] },
}

function describe(content: unknown): PluginDescription {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return readDescription(readModule(withCustomSection(PLAIN, 'penstock', Buffer.from(text))))
}

function problem(content: unknown): string {
  try {
    describe(content)
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'GUEST_DESCRIPTION') return error.message
    throw error
  }
  throw new Error('the description was accepted')
}

test('a module without a description gets one from its exports', () => {
  const description = readDescription(readModule(PLAIN))
  assert.is(description.isDeclared, false)
  assert.is(description.abi, 'penstock_v1')
  assert.equal(description.phases, ['response', 'done'])
  assert.equal(description.body, { request: 'none', response: 'none', limit: DEFAULT_BODY_LIMIT })
  assert.equal(description.results, [])
  assert.is(description.name, null)
})

test('a complete description is read as it stands', () => {
  const description = describe(COMPLETE)
  assert.is(description.isDeclared, true)
  assert.equal(description.body, COMPLETE.body)
  assert.equal(description.results, ['blocked'])
  assert.equal(description.parameters['header'], {
    type: 'string',
    required: false,
    default: 'x-api-key',
  })
  assert.is(description.parameters['keys']?.required, true)
  assert.equal(description.grant, { headers: ['x-*'] })
  assert.equal(description.unknownFields, [])
})

test('what may be left out has defaults', () => {
  const { abi, name, version, phases } = COMPLETE
  const description = describe({ abi, name, version, phases })
  assert.is(description.sdk, null)
  assert.equal(description.body, { request: 'none', response: 'none', limit: DEFAULT_BODY_LIMIT })
  assert.equal(description.parameters, {})
})

test('fields of a later SDK are passed over and named', () => {
  const description = describe({ ...COMPLETE, streams: ['request'], __proto__x: 1 })
  assert.equal(description.unknownFields, ['streams', '__proto__x'])
})

const WRONG: readonly (readonly [what: string, change: object, says: RegExp])[] = [
  [
    'a reserved body need',
    { body: { request: 'stream' } },
    /body\.request: .*"stream" is reserved/,
  ],
  ['an unknown phase', { phases: ['request', 'never'] }, /phases\.1: /],
  ['no phase', { phases: [] }, /phases: /],
  ['a result that is no name', { results: ['not-a-name'] }, /results\.0: a letter, then/],
  ['a result of the host', { results: ['wasmError'] }, /results\.0: the host itself gives/],
  ['a result twice', { results: ['a', 'a'] }, /results: a name stands twice/],
  [
    'a default of another type',
    { parameters: { a: { type: 'integer', default: 'x' } } },
    /parameters\.a\.default/,
  ],
  [
    'a parameter name with a space',
    { parameters: { 'a b': { type: 'string' } } },
    /parameters\.a b/,
  ],
  ['a limit of zero', { body: { limit: 0 } }, /body\.limit: /],
  ['a name with capitals', { name: 'Api' }, /name: lower case/],
]

for (const [what, change, says] of WRONG) {
  test(`refuses ${what}, and says where`, () => {
    assert.match(problem({ ...COMPLETE, ...change }), says)
  })
}

test('every problem is named at once', () => {
  const message = problem({ ...COMPLETE, name: '', results: ['1'] })
  assert.match(message, /name: /)
  assert.match(message, /results\.0: /)
})

test('text that is no JSON, no object, no UTF-8 or too long is refused', () => {
  assert.match(problem('{'), /JSON/)
  assert.match(problem('[]'), /is wrong/)
  assert.match(problem('null'), /is wrong/)
  assert.match(problem(`"${'x'.repeat(MAX_DESCRIPTION_BYTES)}"`), /65538 bytes, at most 65536/)
  const bytes = withCustomSection(PLAIN, 'penstock', Uint8Array.of(0xff, 0xfe))
  assert.throws(() => readDescription(readModule(bytes)), /GUEST_DESCRIPTION|is wrong/)
})

test('two descriptions are refused', () => {
  const text = Buffer.from(JSON.stringify(COMPLETE))
  const bytes = withCustomSection(withCustomSection(PLAIN, 'penstock', text), 'penstock', text)
  assert.throws(() => readDescription(readModule(bytes)), /it stands twice/)
})
