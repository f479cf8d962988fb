import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { benchCommandOf, pluginNames } from '../../bench/plugin-costs.ts'
import { countsOf } from '../../host/bench/measure.ts'
import { countTable, markdown } from '../../host/bench/report.ts'
import { DEFAULT_SAMPLE, readSample } from '../../host/bench/sample-request.ts'
import { openBenchModule } from '../../host/bench/subject.ts'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('plugins/costs', { timeoutMs: 120_000 })

const ROOT = join(import.meta.dirname, '../..')

/** The values of an option that may come several times. */
const optionsOf = (words: readonly string[], name: string): string[] =>
  words.flatMap((word, index) => (words[index - 1] === name ? [word] : []))

for (const plugin of pluginNames()) {
  test(`${plugin}: the README says what a request costs, and that is so`, async () => {
    const words = benchCommandOf(plugin) ?? []
    assert.is(words[1], `plugins/${plugin}/build/${plugin}.wasm`)
    const [request] = optionsOf(words, '--request')
    const parameters = optionsOf(words, '--parameter').map((text) => {
      const equals = text.indexOf('=')
      return [text.slice(0, equals), text.slice(equals + 1)]
    })
    const built = await buildPlugin({ path: join(ROOT, 'plugins', plugin) })
    if (built.kind === 'failed') assert.unreachable(`${plugin} does not compile`)
    else {
      const module = await openBenchModule(built.outFile, Object.fromEntries(parameters))
      const sample = request === undefined ? DEFAULT_SAMPLE : await readSample(join(ROOT, request))
      const page = readFileSync(join(ROOT, 'plugins', plugin, 'README.md'), 'utf8')
      const [, shown = ''] = page.split('<!-- costs -->')
      const exact = markdown(countTable(await countsOf(module, sample))).trim()
      assert.ok(shown.includes(exact), `run: node bench/plugin-costs.ts ${plugin}\n${exact}`)
      assert.match(shown, /^\| worker \| [\d.]+ (?:us|ms) /m)
    }
  })
}
