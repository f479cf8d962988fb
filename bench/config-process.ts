// A gateway with so many pipelines and routes: how long it takes to load, what it keeps in memory, and how
// long one change takes. Prints JSON. Started by `bench/config.ts`, pinned to one core:
//
//   node --expose-gc bench/config-process.ts PIPELINES ROUTES CHANGES
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../host/config/json.ts'
import { createGateway } from '../host/gateway.ts'
import { createLogger } from '../host/observe/log.ts'
import { AccessLog } from '../host/traffic/access-log.ts'

/** What one process has found. */
export interface ConfigSample {
  /** From nothing to a gateway that serves. */
  readonly loadMs: number
  /** What lives on the heap and in buffers after a collection. */
  readonly bytes: number
  /** One pipeline replaced, the change on the disk and live. One figure a change. */
  readonly changeMs: readonly number[]
  /** One route replaced among all of them. */
  readonly routeChangeMs: number
}

/** Changes that are made before the first that counts: the code is compiled by then. */
const WARM_UP_CHANGES = 20

const [pipelines = 1, routes = 1, changes = 1] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
const destination = { write: (line: string) => void process.stderr.write(line) }

/** As a team writes it: a header on the way, and a server of its own behind it. */
function pipelineOf(index: number, value: string): JsonObject {
  const port = 20_000 + (index % 20_000)
  return {
    kind: 'Pipeline',
    name: `pipeline-${index}`,
    filters: [
      { kind: 'RequestAdaptor', name: 'adapt', header: { set: { 'X-Team': value } } },
      { kind: 'Proxy', name: 'proxy', pools: [{ servers: [{ url: `http://127.0.0.1:${port}` }] }] },
    ],
  }
}

function serverOf(first: string): JsonObject {
  const paths = Array.from({ length: routes }, (_, i) => ({
    path: i === 0 ? first : `/service/${i}/items`,
    backend: `pipeline-${i % pipelines}`,
  }))
  const rules = [{ paths }]
  return { kind: 'HTTPServer', name: 'server', address: '127.0.0.1', port: 0, rules }
}

const objects = [
  ...Array.from({ length: pipelines }, (_, i) => pipelineOf(i, 'none')),
  serverOf('/first'),
]
const file = join(folder, 'gateway.yaml')
writeFileSync(file, objects.map((one) => `${JSON.stringify(one, null, 1)}\n`).join('---\n'))
objects.length = 0

const startedAt = performance.now()
const gateway = await createGateway({
  files: [file],
  dataDir: join(folder, 'data'),
  admin: null,
  watch: false,
  threads: 1,
  log: createLogger({ level: 'warn', destination, pretty: true }),
  accessLog: new AccessLog({ destination, pretty: true, isEnabled: false }),
})
const loadMs = performance.now() - startedAt

const failed = gateway.control.status().find(({ state }) => state !== 'running')
if (failed !== undefined) throw new Error(`${failed.name}: ${failed.error}`)
const bytes = residentAfterCollection()

// The configuration moves into the store, so that a change meets all of it there too.
await gateway.close()
const stored = [
  ...Array.from({ length: pipelines }, (_, i) => pipelineOf(i, 'none')),
  serverOf('/x'),
]
mkdirSync(join(folder, 'data'), { recursive: true })
writeFileSync(join(folder, 'data/objects.json'), JSON.stringify(stored))
const changed = await createGateway({
  files: [],
  dataDir: join(folder, 'data'),
  admin: null,
  watch: false,
  threads: 1,
  log: createLogger({ level: 'warn', destination, pretty: true }),
  accessLog: new AccessLog({ destination, pretty: true, isEnabled: false }),
})
const changeMs: number[] = []
for (let i = -WARM_UP_CHANGES; i < changes; i++) {
  const before = performance.now()
  await changed.control.put([pipelineOf(Math.abs(i) % pipelines, `change ${i}`)], 'update')
  if (i >= 0) changeMs.push(performance.now() - before)
}
const before = performance.now()
await changed.control.put([serverOf('/second')], 'update')
const routeChangeMs = performance.now() - before
await changed.close()
rmSync(folder, { recursive: true, force: true })
const result: ConfigSample = { loadMs, bytes, changeMs, routeChangeMs }
process.stdout.write(`${JSON.stringify(result)}\n`)

/** Several collections: what the first one frees may have held something else. */
function residentAfterCollection(): number {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('start with --expose-gc')
  for (let i = 0; i < 4; i++) gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
