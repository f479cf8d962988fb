// Resident memory of the built package as a plain proxy, at its start and under load:
//
//   npm run build && node bench/memory.ts [SECONDS]
//
// Sources would show more: stripping their types takes memory that a package does not need.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { penstockTarget } from './support/penstock.ts'
import { ServerProcess, stopAll } from './support/process.ts'
import { CONNECTIONS, FIRST_PORT, LOAD_CORE, SERVER_CORE } from './support/target.ts'
import { runWrk } from './support/wrk.ts'

/** What the design asks for at 64 connections without plugins, and what it aims at. */
const REQUIRED_MB = 100
const AIM_MB = 80

/** Seconds after the start until everything that is loaded in passing is there. */
const SETTLE_MS = 2_000

const BUILT = 'dist/main.js'

const seconds = Number(process.argv[2] ?? 10)
if (!existsSync(join(import.meta.dirname, '..', BUILT))) {
  process.stderr.write(`there is no ${BUILT}: npm run build\n`)
  process.exit(2)
}
const folder = mkdtempSync(join(tmpdir(), 'penstock-memory-'))
try {
  const upstream = join(import.meta.dirname, 'upstream.ts')
  const upstreamCommand = [process.execPath, upstream, String(FIRST_PORT)]
  await ServerProcess.start('upstream', upstreamCommand, { core: LOAD_CORE, port: FIRST_PORT })
  const port = FIRST_PORT + 1
  const target = penstockTarget({
    name: 'penstock',
    engine: 'native',
    entry: BUILT,
    hasAdmin: true,
  })
  const command = target.command(port, FIRST_PORT, folder, null)
  const server = await ServerProcess.start(target.name, command, { core: SERVER_CORE, port })
  await sleep(SETTLE_MS)
  const megabytes = (): string => (server.residentBytes() / 1e6).toFixed(0)
  process.stdout.write(`at its start         ${megabytes()} MB\n`)
  const load = { port, path: '/bench', connections: CONNECTIONS, core: LOAD_CORE }
  for (let second = 0; second < seconds; second += 5) {
    const { requestsPerSecond } = await runWrk({ ...load, seconds: 5 })
    const text = `${megabytes()} MB at ${requestsPerSecond.toFixed(0)} requests a second`
    process.stdout.write(`after ${String(second + 5).padStart(3)} s of load  ${text}\n`)
  }
  process.stdout.write(`required ${REQUIRED_MB} MB, aim ${AIM_MB} MB, ${CONNECTIONS} connections\n`)
} finally {
  await stopAll()
  rmSync(folder, { recursive: true, force: true })
}
