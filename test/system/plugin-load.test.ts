import { readFile } from 'node:fs/promises'
import type { Worker } from 'node:worker_threads'
import { freePort } from '../support/free-port.ts'
import { Cleanup, fetchFrom, startGateway, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { startLoad } from '../support/load.ts'
import { startNginx } from '../support/nginx.ts'
import { type Served, serve } from '../support/serve.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

/** What a plugin does to a gateway under load, against nginx, with the gateway in a process of its own. */
const test = suite('system/plugin-load', { timeoutMs: 300_000 })
const CONNECTIONS = 64

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const OK = "location / { return 200 'ok'; }"

/** Pipeline `main` with the plugin under test, `neighbor` with one that has done nothing. */
function config(port: number, upstream: number, fields = ''): string {
  const proxy = `  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "http://127.0.0.1:${upstream}" }] }] }`
  return `kind: HTTPServer
name: server
port: ${port}
address: 127.0.0.1
rules:
  - paths:
      - { pathPrefix: /neighbor, backend: neighbor }
      - { pathPrefix: /, backend: main }
---
kind: Pipeline
name: main
filters:
  - { name: plugin, kind: WasmHost, code: plugin.wasm, queueTimeout: 20s${fields} }
${proxy}
---
kind: Pipeline
name: neighbor
filters:
  - { name: plugin, kind: WasmHost, code: neighbor.wasm, timeout: 10s, queueTimeout: 20s }
${proxy}
`
}

interface Rig {
  readonly port: number
  readonly served: Served
}

async function start(plugin: Uint8Array, fields = ', timeout: 5s'): Promise<Rig> {
  const upstream = await startNginx(cleanup, OK)
  const port = await freePort()
  const files = {
    'gateway.yaml': config(port, upstream, fields),
    'plugin.wasm': plugin,
    'neighbor.wasm': versionGuest('9'),
  }
  const served = await serve(cleanup, files, ['--admin-address', 'none', '--no-access-log'])
  return { port, served }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** How often the gateway has written this. */
const count = (served: Served, text: string): number => served.log().split(text).length - 1

/** A guest that does something bad where the header says so. */
function guestThat(header: string, does: string): Uint8Array {
  return wat(`(module
    (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
    (import "penstock_v1" "header_get" (func $get (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 16)
    (data (i32.const 0) "${header}")
    (func (export "penstock_on_request") (result i32)
      (i32.store8 (i32.const 64) (i32.const 0))
      (drop (call $get (i32.const 0) (call $id (i32.const 0) (i32.const ${header.length}))
        (i32.const 64) (i32.const 8)))
      ${does}
      (i32.const 0)))`)
}

const ENDLESS = guestThat(
  'bad',
  `(if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 108)) (then (loop $l (br $l))))
   (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 102))
     (then (loop $f (memory.fill (i32.const 1024) (i32.const 7) (i32.const 1000000)) (br $f))))`,
)
const TRAPPING = wat(
  '(module (memory (export "memory") 1) (func (export "penstock_on_request") (result i32) unreachable))',
)

test('50 swaps to broken modules lose nothing', async () => {
  const good = versionGuest('1')
  const { port, served } = await start(good)
  const bodies: (Uint8Array | string)[] = [
    good.subarray(0, good.length - 9),
    '',
    '<html>not found</html>',
    wat(
      '(module (memory (export "memory") 1) (func (export "_initialize") unreachable) (func (export "penstock_on_request") (result i32) (i32.const 0)))',
    ),
    wat(
      '(module (import "penstock_v1" "launch" (func)) (memory (export "memory") 1) (func (export "penstock_on_request") (result i32) (i32.const 0)))',
    ),
  ]
  const load = startLoad(port, '/', CONNECTIONS, ({ status, headers }) =>
    status === 200 && headers['x-version'] === '1' ? null : `status ${status}`,
  )
  for (let i = 0; i < 50; i++) {
    const refused = count(served, 'change refused')
    await served.write('plugin.wasm', bodies[i % bodies.length] as string | Uint8Array)
    await until(() => count(served, 'change refused') > refused, `module ${i} is refused`, 20_000)
  }
  const { requests, failures } = await load.stop()
  assert.equal(failures.slice(0, 5), [])
  assert.ok(requests > 500, String(requests))
  process.stdout.write(`${requests} requests, ${failures.length} failed, 50 broken modules\n`)
})

test('a version that traps is rolled back by itself after at most 20 failed requests', async () => {
  const { port, served } = await start(versionGuest('1'))
  const load = startLoad(port, '/', CONNECTIONS, ({ status }) =>
    status === 200 ? null : `status ${status}`,
  )
  await pause(500)
  await served.write('plugin.wasm', TRAPPING)
  await until(() => count(served, 'was rolled back') > 0, 'it is rolled back', 30_000)
  await pause(1_000)
  const { requests, failures } = await load.stop()
  assert.ok(failures.length >= 10 && failures.length <= 20, `${failures.length} failed`)
  assert.is((await fetchFrom(port, '/')).headers['x-version'], '1')
  process.stdout.write(`${requests} requests, ${failures.length} failed until the roll-back\n`)
})

/** Resident memory of the gateway, in MB. */
async function residentMb(served: Served): Promise<number> {
  const status = await readFile(`/proc/${served.process.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024
}

test('a thread ended 100 times loses only what ran in it, its neighbors nothing, and no memory is left behind', async () => {
  const { port, served } = await start(ENDLESS, ', timeout: 400ms')
  let good = 0
  const load = startLoad(
    port,
    (number) => (number % 2 === 0 ? '/' : '/neighbor'),
    16,
    ({ status }, path) => {
      good += 1
      return status === 200 ? null : `${path}: status ${status}`
    },
  )
  const sizes: number[] = []
  for (let i = 0; i < 100; i++) {
    const bad = i % 2 === 0 ? 'loop' : 'fill'
    assert.is((await fetchFrom(port, '/', { headers: { bad } })).status, 503, bad)
    if (i % 20 === 19) sizes.push(await residentMb(served))
  }
  const { failures } = await load.stop()
  const reasons = served
    .log()
    .split('\n')
    .filter((line) => line.includes('plugin failed'))
  assert.equal(failures.slice(0, 5), [], reasons.slice(-120).join('\n'))
  // Three threads' worth in 60 kills: the first ones have warmed everything up, and garbage is collected
  // when it likes. A thread that was left behind each time would be a gigabyte.
  const grewMb = Math.min(...sizes.slice(-2)) - Math.min(...sizes.slice(0, 2))
  const shown = sizes.map((mb) => Math.round(mb)).join(', ')
  assert.ok(grewMb < 60, `${shown} MB`)
  process.stdout.write(`${good} good requests, 100 threads ended, resident ${shown} MB\n`)
})

/** Adds to a counter 50 times, and answers by itself. */
const COUNTING = wat(`(module
  (import "penstock_v1" "kv_add" (func $add (param i32 i32 i64 f64 i32) (result i32)))
  (import "penstock_v1" "reply" (func $reply (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "count")
  (func (export "penstock_on_request") (result i32)
    (local $i i32)
    (loop $l
      (if (i32.ne (call $add (i32.const 0) (i32.const 5) (i64.const 1) (f64.const 0) (i32.const 64))
                  (i32.const 0))
        (then unreachable))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 50))))
    (drop (call $reply (i32.const 200) (i32.const 0) (i32.const 0)))
    (i32.const 0)))`)

test('threads that are ended in the middle of operations on data leave a store that answers and counts right', async () => {
  const threads = new Set<Worker>()
  const onWorker = (worker: Worker): void => {
    threads.add(worker)
    worker.once('exit', () => threads.delete(worker))
  }
  process.on('worker', onWorker)
  cleanup.add(() => void process.off('worker', onWorker))
  const { port, gateway } = await startGateway(
    cleanup,
    config(0, 1, ', timeout: 30s').replace('neighbor.wasm', 'plugin.wasm'),
    { 'plugin.wasm': COUNTING },
    { watch: false, dataWaitMs: 20_000, threads: 2 },
  )
  let [whole, lost] = [0, 0]
  const load = startLoad(port, '/', 16, ({ status }) => {
    if (status === 200) whole += 1
    else lost += 1
    return null
  })
  for (let i = 0; i < 30; i++) {
    const answered = whole
    await until(() => whole > answered, 'requests are answered', 20_000)
    for (const thread of threads) void thread.terminate()
  }
  const answered = whole
  await until(() => whole > answered + 50, 'it goes on', 20_000)
  await load.stop()
  const data = await gateway.control.listData('main', 'plugin')
  const [counter] = Object.values(data)
  const counted = Number(counter)
  // A request that was lost has done none of its operations, some or all of them.
  assert.ok(
    counted >= whole * 50 && counted <= (whole + lost) * 50,
    `${counted}: ${whole}, ${lost}`,
  )
  assert.ok(lost >= 1, 'some were under way')
  process.stdout.write(`${whole} requests whole, ${lost} lost, ${counted} operations\n`)
})
