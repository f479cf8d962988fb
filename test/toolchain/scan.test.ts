import { join } from 'node:path'
import { formatDiagnostic } from '../../host/toolchain/diagnostic.ts'
import { type PluginScan, scanPlugin } from '../../host/toolchain/scan.ts'
import { Cleanup } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { pluginFolder } from './support.ts'

const test = suite('toolchain/scan')
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const scan = async (files: Readonly<Record<string, string>>): Promise<PluginScan> => {
  const dir = await pluginFolder(cleanup, files)
  const outcome = await scanPlugin(join(dir, 'index.ts'))
  assert.equal(outcome.diagnostics, [])
  assert.ok(outcome.scan !== null)
  return outcome.scan
}

/** The errors of a source whose first line is the imports, so that its own text starts on line 2. */
const errors = async (
  source: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string[]> => {
  const dir = await pluginFolder(cleanup, { 'index.ts': source, ...more })
  const outcome = await scanPlugin(join(dir, 'index.ts'))
  assert.is(outcome.scan, null)
  return outcome.diagnostics.map((one) => formatDiagnostic(one, dir))
}

test('finds the class, its phases and what they take and return', async () => {
  const found = await scan({
    'index.ts': `
export class A extends Filter {
  onRequest(request: Request): void {}
  onResponse(response: Response, body: Body): Result { return next }
  onDone(): void {}
  helper(): i32 { return 1 }
  private onHelp(): void {}
  get only(): i32 { return 1 }
}
export class NotAFilter { onReqest(): void {} }
export function onTop(): void {}`,
  })
  assert.is(found.className, 'A')
  assert.equal(found.phases, [
    {
      phase: 'request',
      method: 'onRequest',
      takesMessage: true,
      takesBody: false,
      returnsResult: false,
    },
    {
      phase: 'response',
      method: 'onResponse',
      takesMessage: true,
      takesBody: true,
      returnsResult: true,
    },
    {
      phase: 'done',
      method: 'onDone',
      takesMessage: false,
      takesBody: false,
      returnsResult: false,
    },
  ])
})

test('follows imports, other names, base classes and exports from elsewhere', async () => {
  const found = await scan({
    'index.ts': `export { Gate as Filtering } from './gate'\nexport * from './lib'`,
    'gate.ts': `
import * as sdk from '@penstock/sdk'
import { Base as Root } from './lib/base.ts'
export class Gate extends Root { onRequest(request: sdk.Request): sdk.Result { return sdk.result('late') } }`,
    'lib/index.ts': 'export const x = 1',
    'lib/base.ts': `
import { Filter as F, Response, result as named } from '@penstock/sdk'
export abstract class Base extends F {
  onResponse(response: Response): void { named('early') }
}`,
  })
  assert.is(found.className, 'Filtering')
  assert.equal(
    found.phases.map(({ phase }) => phase),
    ['request', 'response'],
  )
  assert.equal([...found.results].sort(), ['early', 'late'])
})

test('collects results in the order they are written, each once', async () => {
  const found = await scan({
    'index.ts': `
export class A extends Filter {
  onRequest(request: Request): Result {
    if (request.path.length > 9) return result('long')
    const result2 = request.query.length > 9 ? result('b') : result('long')
    return result2
  }
}`,
  })
  assert.equal(found.results, ['long', 'b'])
})

test('collects parameters with type, default and the comment above', async () => {
  const found = await scan({
    'index.ts': `
export class A extends Filter {
  /**
   * The header
   * to look at.
   */
  a: string = parameters.text('header', 'x-"key"')
  /** Some. */
  b: string[] =
    parameters.required('keys').split(',')
  // Not a doc comment.
  c: i32 = parameters.integer('limit', -1_000)
  d: f64 = parameters.number('share', .5 + 0.0 > 0 ? 1.5 : 1.5)
  e: bool = parameters.flag('on', false)
  onRequest(request: Request): void {}
}`.replace('.5 + 0.0 > 0 ? 1.5 : 1.5', '1.5'),
  })
  assert.equal(found.parameters, {
    header: { type: 'string', default: 'x-"key"', description: 'The header to look at.' },
    keys: { type: 'string', required: true, description: 'Some.' },
    limit: { type: 'integer', default: -1000 },
    share: { type: 'number', default: 1.5 },
    on: { type: 'boolean', default: false },
  })
})

test('no filter class: says so, and points at one that is not exported', async () => {
  assert.equal(await errors('export class A { onRequest(request: Request): void {} }'), [
    'index.ts:1:1: error: no filter: export one class that extends Filter of @penstock/sdk',
  ])
  assert.equal(await errors('class A extends Filter { onRequest(request: Request): void {} }'), [
    'index.ts:2:7: error: "A" extends Filter but is not exported from the entry',
  ])
})

test('two filter classes: points at the second', async () => {
  const text = 'export class A extends Filter { onDone(): void {} }\nexport class B extends A {}'
  assert.equal(await errors(text), [
    'index.ts:3:14: error: a second filter class: a plugin exports one, and "A" is one already',
  ])
})

test('a class that is not the Filter of the SDK does not count', async () => {
  const more = { 'other.ts': 'export class Filter {}' }
  const text =
    "export class A extends Other { onRequest(): void {} }\nimport { Filter as Other } from './other'"
  assert.match((await errors(text, more))[0] ?? '', 'no filter')
})

test('a misspelled phase is an error with the name that was meant', async () => {
  assert.equal(
    await errors('export class A extends Filter {\n  onReqest(request: Request): void {}\n}'),
    [
      'index.ts:3:3: error: "onReqest" is not a phase; a helper of that name must be private (did you mean "onRequest"?)',
    ],
  )
  assert.equal(
    await errors(
      'export class A extends Filter { onRequest(request: Request): void {}\n onBody(): void {} }',
    ),
    ['index.ts:3:2: error: "onBody" is not a phase; a helper of that name must be private'],
  )
  assert.equal(await errors('export class A extends Filter { run(): void {} }'), [
    'index.ts:2:14: error: the filter has no phase: give it one of onRequest, onResponse, onDone',
  ])
})

test('phases that are hidden, take or return the wrong things', async () => {
  const source = `export class A extends Filter {
  static onRequest(request: Request): void {}
  private onResponse(response: Response): void {}
  onDone(request: Request): void {}
}
`
  assert.equal(await errors(source), [
    'index.ts:3:10: error: a phase is a public method of the object',
    'index.ts:4:11: error: a phase is a public method of the object',
    'index.ts:5:10: error: write this phase as onDone(response?: Response): void',
  ])
  const wrong = `export class A extends Filter {
  onRequest(body: Body): i32 { return 0 }
  onResponse(): void {}
}`
  const request = 'write this phase as onRequest(request: Request, body?: Body): void or Result'
  assert.equal(await errors(wrong), [
    `index.ts:3:13: error: ${request}`,
    `index.ts:3:26: error: ${request}`,
    'index.ts:4:3: error: write this phase as onResponse(response: Response, body?: Body): void or Result',
  ])
})

test('a constructor with arguments', async () => {
  const source =
    'export class A extends Filter {\n  constructor(limit: i32) { super() }\n  onDone(): void {}\n}'
  assert.equal(await errors(source), [
    'index.ts:3:15: error: the gateway makes the filter: its constructor takes no arguments',
  ])
})

test('results that are no literals, no names, or the host’s own', async () => {
  const source = `export class A extends Filter {
  onRequest(request: Request): Result {
    const name = 'x'
    if (name == '') return result(name)
    if (name == 'a') return result('a-b')
    if (name == 'b') return result(\`x\`)
    return result('wasmError')
  }
}`
  const found = await errors(source)
  assert.is(found[0], 'index.ts:5:35: error: a result is named by a string literal')
  assert.match(found[1] ?? '', 'index.ts:6:36: error: "a-b" cannot be a result')
  assert.match(found.at(-1) ?? '', '"wasmError" is a result the host itself gives')
})

test('parameters that cannot be collected', async () => {
  const source = `export class A extends Filter {
  a: string = parameters.text('a', NAME)
  b: i32 = parameters.integer('b', 1.5)
  c: string = parameters.txt('c', '')
  d: string = parameters.text('d e', '')
  e: bool = parameters.flag('e', true)
  f: bool = parameters.flag('e', false)
  onDone(): void {}
}
const NAME = 'x'`
  assert.equal(await errors(source), [
    'index.ts:3:36: error: the default of "a" must be a literal of type string',
    'index.ts:4:36: error: the default of "b" must be a literal of type integer',
    'index.ts:5:15: error: there is no parameters.txt (did you mean "text"?)',
    'index.ts:6:31: error: a parameter is named by a string literal: a letter, then at most 63 letters, digits, _ or -',
    'index.ts:8:13: error: the parameter "e" is read in two ways',
  ])
})

test('a syntax error is reported alone, in the file it is in', async () => {
  const text = "import { x } from './other'\nexport class A extends Filter { onReqest(): void {} }"
  const found = await errors(text, { 'other.ts': '\nexport const x = ;\n' })
  assert.equal(found, ['other.ts:2:18: error: Expression expected'])
})
