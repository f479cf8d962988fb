// How long a save takes to show in `penstock dev`, once the compiler is warm:
//
//   node bench/saves.ts [SAVES] [--write]
//
// With --write the result goes into docs/tutorial.md. Exits with 1 when the median is not under a second.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { median } from '../host/bench/sampling.ts'
import { projectFiles } from '../host/cli/new/project.ts'

const DEFAULT_SAVES = 15
const WARM_UP_SAVES = 2
const LIMIT_MS = 1_000
/** How often the gateway is asked: what is found is later than the effect by half of that. */
const POLL_MS = 5
const PATIENCE_MS = 120_000

const TUTORIAL = join(import.meta.dirname, '../docs/tutorial.md')
const PENSTOCK = join(import.meta.dirname, '../host/bin/penstock.cjs')
const SET = "request.headers.set('x-tenant', this.tenant)"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
})
const saves = Number(positionals[0] ?? DEFAULT_SAVES)
if (!Number.isInteger(saves) || saves < 1) {
  process.stderr.write('usage: node bench/saves.ts [SAVES] [--write]\n')
  process.exit(2)
}
process.exitCode = await main()

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-saves-'))
  const files = projectFiles('my-filter', 'header')
  for (const { path, text } of files) await writeFile(join(folder, path), text)
  const source = files.find(({ path }) => path === 'index.ts')?.text ?? ''
  const child = spawn(process.execPath, [PENSTOCK, 'dev', '--inspector-port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const port = await portOf(child)
    const times: number[] = []
    for (let i = 0; i < saves + WARM_UP_SAVES; i++) {
      const value = `save-${i}`
      const startedAtMs = performance.now()
      await writeFile(
        join(folder, 'index.ts'),
        source.replace(SET, `${SET}\n    request.headers.set('x-save', '${value}')`),
      )
      await untilSeen(port, `x-save: ${value}\n`, startedAtMs)
      const tookMs = performance.now() - startedAtMs
      if (i >= WARM_UP_SAVES) times.push(tookMs)
      process.stdout.write(
        `${i < WARM_UP_SAVES ? 'warm-up' : `save ${i - WARM_UP_SAVES + 1}`}: ${Math.round(tookMs)} ms\n`,
      )
    }
    const middle = median(times)
    const range = `${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))} ms`
    const machine = `${availableParallelism()} x ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`
    const result = `median of ${saves} saves: ${Math.round(middle)} ms (${range}); ${machine}`
    process.stdout.write(`${result}\n`)
    if (values.write) await writeResult(result)
    return middle < LIMIT_MS ? 0 : 1
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeResult(result: string): Promise<void> {
  const page = await readFile(TUTORIAL, 'utf8')
  const place = /(<!-- saves -->)[\s\S]*?(<!-- \/saves -->)/
  await writeFile(
    TUTORIAL,
    page.replace(place, (_, begin: string, end: string) => `${begin}${result}${end}`),
  )
}

/** The port of the gateway, which is another one when its own is taken. */
async function portOf(child: ChildProcess): Promise<number> {
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const endsAtMs = performance.now() + PATIENCE_MS
  while (!output.includes('Ctrl-C stops')) {
    if (child.exitCode !== null || performance.now() > endsAtMs) {
      throw new TypeError(`penstock dev has not started:\n${output}`)
    }
    await delay(20)
  }
  return Number(/server +http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1])
}

async function untilSeen(port: number, text: string, startedAtMs: number): Promise<void> {
  for (;;) {
    if ((await bodyFrom(port)).includes(text)) return
    if (performance.now() - startedAtMs > PATIENCE_MS) throw new TypeError(`no "${text}" was seen`)
    await delay(POLL_MS)
  }
}

/** Not by fetch, which keeps off the port 10080 as browsers do. */
function bodyFrom(port: number): Promise<string> {
  const headers = { authorization: 'Bearer secret' }
  return new Promise((resolve, reject) => {
    const call = get({ host: '127.0.0.1', port, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('error', reject).on('end', () => resolve(body))
    })
    call.on('error', reject)
  })
}
