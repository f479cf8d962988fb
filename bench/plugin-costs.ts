// Measures the plugins with the commands that stand in their READMEs, and writes what comes out below them:
//
//   node bench/plugin-costs.ts [PLUGIN]...
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runCli } from '../host/cli/main.ts'
import { processIo } from '../host/cli/process-io.ts'
import { buildPlugin } from '../host/toolchain/build-plugin.ts'

const ROOT = resolve(import.meta.dirname, '..')

/** The `penstock bench` command of a plugin's README, as words; null when it has none. */
export function benchCommandOf(plugin: string): string[] | null {
  const page = readFileSync(join(ROOT, 'plugins', plugin, 'README.md'), 'utf8')
  const command = /^penstock bench .*(?:\n {2}.*)*/m.exec(page)?.[0].replaceAll('\\\n', '')
  if (command === undefined) return null
  const words = [...command.matchAll(/'([^']*)'|\S+/g)]
  return words.slice(1).map(([word, quoted]) => quoted ?? word)
}

/** Every plugin of this checkout. */
export function pluginNames(): string[] {
  const entries = readdirSync(join(ROOT, 'plugins'), { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

/** What the command prints as Markdown. */
async function measured(words: readonly string[]): Promise<string> {
  let out = ''
  const io = processIo()
  const write = (text: string): void => {
    out += text
  }
  const stdout = { isTerminal: false, write }
  const code = await runCli([...words, '--markdown'], { ...io, cwd: ROOT, stdout })
  if (code !== 0) throw new TypeError(`penstock ${words.join(' ')} ended with ${code}`)
  return out
}

if (import.meta.main) {
  const wanted = process.argv.slice(2)
  for (const plugin of wanted.length > 0 ? wanted : pluginNames()) {
    const words = benchCommandOf(plugin)
    if (words === null) continue
    await buildPlugin({ path: join(ROOT, 'plugins', plugin) })
    const text = await measured(words)
    const file = join(ROOT, 'plugins', plugin, 'README.md')
    const page = readFileSync(file, 'utf8')
    const changed = page.replace(
      /(<!-- costs -->\n)[\s\S]*?(<!-- \/costs -->)/,
      (_, begin: string, end: string) => `${begin}\n${text.trim()}\n\n${end}`,
    )
    writeFileSync(file, changed)
    process.stdout.write(`${plugin}\n`)
  }
}
