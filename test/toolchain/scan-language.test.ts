import { dirname, join } from 'node:path'
import { runCompiler } from '../../host/toolchain/compile.ts'
import { formatDiagnostic } from '../../host/toolchain/diagnostic.ts'
import { ENTRY_FILE } from '../../host/toolchain/entry.ts'
import { InputFiles } from '../../host/toolchain/input-files.ts'
import type { LanguageRule } from '../../host/toolchain/language-rule.ts'
import { sdkFolder } from '../../host/toolchain/paths.ts'
import { scanPlugin } from '../../host/toolchain/scan.ts'
import { CLOSURE_RULE, PACKAGE_RULE } from '../../host/toolchain/scan-language.ts'
import { GLOBAL_RULES } from '../../host/toolchain/scan-language-globals.ts'
import { SYNTAX_RULES } from '../../host/toolchain/scan-language-syntax.ts'
import { TREE_RULES } from '../../host/toolchain/scan-language-tree.ts'
import { loadCompiler } from '../../host/toolchain/syntax.ts'
import { PENSTOCK_V1 } from '../../host/wasm/abi/penstock-v1.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import { Cleanup } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { pluginFolder } from './support.ts'

const test = suite('toolchain/scan-language', { timeoutMs: 240_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const RULES: readonly LanguageRule[] = [
  ...SYNTAX_RULES,
  ...TREE_RULES,
  ...GLOBAL_RULES,
  CLOSURE_RULE,
  PACKAGE_RULE,
]

const FILTER = `import { Filter as Base } from '@penstock/sdk'
export class Main extends Base { onDone(): void {} }
`

/** The filter in a file of its own, the text in another that it leads to. */
async function problemsOf(text: string): Promise<string[]> {
  const dir = await pluginFolder(cleanup, {
    'main.ts': `${FILTER}export * from './part'`,
    'part.ts': text,
  })
  const { diagnostics } = await scanPlugin(join(dir, 'main.ts'))
  return diagnostics.map((one) => formatDiagnostic(one, dir))
}

/** Does the compiler take it, would the host take what it imports, and does it start? */
async function isRunnable(text: string): Promise<boolean> {
  const dir = await pluginFolder(cleanup, { 'part.ts': text })
  const entry = join(dir, 'part.ts')
  const inputs = new InputFiles(sdkFolder(dirname(entry)), dir)
  inputs.serve(ENTRY_FILE, `export * from './part'`)
  const request = { entry, optimize: 0, debug: true } as const
  // A syntax error of the entry's import makes the compiler stop with one of its own.
  const { wasm } = await runCompiler(await loadCompiler(), request, 'part', inputs)
  if (wasm === null) return false
  const known: readonly string[] = Object.keys(PENSTOCK_V1.imports.penstock_v1)
  const { imports } = readModule(wasm)
  const isKnown = imports.every(
    ({ module, name }) =>
      (module === 'penstock_v1' && known.includes(name)) || (module === 'env' && name === 'abort'),
  )
  return isKnown && starts(wasm)
}

/** Some of the library is there by name and traps when it is used. */
function starts(wasm: Uint8Array): boolean {
  const absent = (): number => -1
  const calls = Object.keys(PENSTOCK_V1.imports.penstock_v1).map((name) => [name, absent] as const)
  const abort = (): never => {
    throw new Error('abort')
  }
  try {
    const module = new WebAssembly.Module(Uint8Array.from(wasm))
    const imports = { penstock_v1: Object.fromEntries(calls), env: { abort } }
    const { exports } = new WebAssembly.Instance(module, imports)
    const start = exports['_initialize']
    if (typeof start === 'function') start()
    return true
  } catch {
    return false
  }
}

test('every rule finds its wrong example, once, in the file it is in', async () => {
  for (const { name, wrong, message } of RULES) {
    const problems = await problemsOf(wrong)
    assert.is(problems.length, 1, `${name}: ${problems.join('\n')}`)
    assert.match(problems[0] ?? '', /^part\.ts:\d+:\d+: error: /, name)
    assert.ok(problems[0]?.endsWith(message), `${name}: ${problems[0]}`)
  }
})

test('no rule finds anything in a right example', async () => {
  for (const { name, right } of RULES) assert.equal(await problemsOf(right), [], name)
})

test('a right example runs, a wrong one would not without the rule', async () => {
  for (const { name, wrong, right } of RULES) {
    assert.ok(await isRunnable(right), `${name}: the right example`)
    assert.not.ok(await isRunnable(wrong), `${name}: the wrong example`)
  }
})

test('a name of the file itself is no name of the browser', async () => {
  const own = `import { json as JSON } from '@penstock/sdk'
function fetch(url: string): i32 { return url.length }
export const a = JSON.parse('1')
export function f(window: i32): string {
  const process = fetch('x')
  return \`\${window.toString()}\${process.toString()}\`
}
class URL { href: string = '' }
export const u = new URL()`
  assert.equal(await problemsOf(own), [])
})

test('a function that uses nothing around it is no closure', async () => {
  const own = `let total = 0
export function f(list: i32[]): i32[] {
  const value = 1
  list.forEach((one, index) => { let value = one; total += value + index })
  return list.map<i32>((one) => one * 2 + value2())
}
function value2(): i32 { return total }`
  assert.equal(await problemsOf(own), [])
})

test('variables, parameters and this of the function around are named', async () => {
  const captures = `export class A {
  x: i32 = 1
  run(list: i32[], limit: i32): void {
    let seen = 0
    list.forEach((one) => {
      if (one > limit) seen += this.x
    })
  }
}`
  const problems = await problemsOf(captures)
  assert.equal(
    problems.map((problem) => /^part\.ts:(\d+:\d+): error: ("\w+")/.exec(problem)?.slice(1, 3)),
    [
      ['6:17', '"limit"'],
      ['6:24', '"seen"'],
      ['6:32', '"this"'],
    ],
  )
})

test('several mistakes are reported together', async () => {
  const text = `export function f(value: any): void {
  try { console.log('x') } catch (e) {}
  const r = /a/
}`
  assert.equal(
    (await problemsOf(text)).map((problem) => /^part\.ts:(\d+:\d+)/.exec(problem)?.[1]),
    ['1:26', '2:3', '2:9', '3:13'],
  )
})

test('a package written in AssemblyScript may be imported', async () => {
  const dir = await pluginFolder(cleanup, {
    'main.ts': `${FILTER}export * from 'as-thing'`,
    'node_modules/as-thing/package.json': '{ "name": "as-thing" }',
    'node_modules/as-thing/index.ts': 'export const a = 1',
    'node_modules/js-thing/package.json': '{ "name": "js-thing" }',
    'node_modules/js-thing/index.js': 'export const a = 1',
    'other.ts': `${FILTER}import { a } from 'js-thing'\nexport const b = a`,
  })
  assert.equal((await scanPlugin(join(dir, 'main.ts'))).diagnostics, [])
  const { diagnostics } = await scanPlugin(join(dir, 'other.ts'))
  assert.equal(
    diagnostics.map(({ line, message }) => [line, message]),
    [[3, PACKAGE_RULE.message]],
  )
})
