import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { serveCommand } from '../../host/cli/commands/serve.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('cli/footprint')

const ROOT = join(import.meta.dirname, '../..')

/** What `script`, a module at the root, writes. */
function outputOf(script: string, flags: readonly string[] = []): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--input-type=module', '-e', script],
    { cwd: ROOT, encoding: 'utf8' },
  )
  assert.is(stderr, '')
  return stdout.trim()
}

/** Megabytes of the young generation after many objects have survived a while. */
const GROW = `
  import { getHeapSpaceStatistics } from 'node:v8'
  import { holdFootprint, releaseFootprint } from './host/cli/footprint.ts'
  const size = () => {
    const kept = []
    for (let i = 0; i < 1_000_000; i++) kept[i % 100_000] = { i, text: 'x' + i }
    const space = getHeapSpaceStatistics().find((one) => one.space_name === 'new_space')
    return Math.round(space.space_size / 1e6)
  }
  holdFootprint()
  const held = size()
  releaseFootprint()
  console.log(held <= 3, held, size() > held)`

test('the young generation stays small until a command asks for more', () => {
  assert.match(outputOf(GROW), /^true \d true$/)
})

test('engine native holds it, engine node does not', () => {
  const held = (engine: string | undefined): boolean | undefined =>
    serveCommand.holdsFootprint?.({ text: () => engine, list: () => [], flag: () => false })
  assert.is(held(undefined), true)
  assert.is(held('native'), true)
  assert.is(held('node'), false)
})

test('a size that is given to Node is kept', () => {
  assert.match(outputOf(GROW, ['--max-semi-space-size=8']), /^false/)
})

/** Hot code, compiled in one step after `holdFootprint`, and as V8 does it after `releaseFootprint`. */
const COMPILE = `
  import { holdFootprint, releaseFootprint } from './host/cli/footprint.ts'
  const heat = (add) => {
    let sum = 0
    for (let i = 0; i < 20_000_000; i++) sum = add(sum, i)
    return sum
  }
  holdFootprint()
  heat(new Function('a', 'b', 'return (a + b) | 0'))
  console.log('released')
  releaseFootprint()
  const loop = new Function('n', 'let s = 0; for (let i = 0; i < n; i++) s = (s + i) | 0; return s')
  for (let i = 0; i < 20_000; i++) loop(100)`

test('hot code is compiled for speed once until a command asks for more', () => {
  const [held = '', released = ''] = outputOf(COMPILE, ['--trace-opt']).split('released\n')
  assert.match(held, 'TURBOFAN')
  assert.not.match(held, 'MAGLEV')
  assert.match(released, 'MAGLEV')
})

/** Who asks for patterns gets what compiles them. */
const PATTERN = `
  const { compileRegexp } = await import('./host/config/regexp.ts')
  const { createRequire } = await import('node:module')
  const require = createRequire(process.cwd() + '/x.js')
  const isLoaded = () => require.resolve('re2js') in require.cache
  const before = isLoaded()
  console.log(before, compileRegexp('a+').test('baa'), isLoaded())`

test('what compiles patterns is loaded with the first pattern', () => {
  assert.is(outputOf(PATTERN), 'false true true')
})

test('the old generation grows by a fifth, unless Node is told otherwise', () => {
  const script = `
  import { holdFootprint } from './host/cli/footprint.ts'
  holdFootprint()
  const kept = []
  for (let i = 0; i < 400_000; i++) kept.push({ i, text: 'x' + i })`
  const collections = (flags: readonly string[]): number =>
    outputOf(script, ['--trace-gc', ...flags]).match(/Mark-Compact/g)?.length ?? 0
  assert.ok(collections([]) > collections(['--heap-growing-percent=200']))
})

test('a gateway does not load the undici of Node', () => {
  const script = `
    await import('./host/gateway.ts')
    console.log(process.moduleLoadList.filter((name) => name.includes('deps/undici')).length)`
  assert.is(outputOf(script), '0')
})
