import { Exchange } from '../../host/exchange/exchange.ts'
import { promised } from '../../host/exchange/late.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { WasmFilter } from '../../host/filters/wasm-filter.ts'
import { createLogger } from '../../host/observe/log.ts'
import { CRASH_BUDGET } from '../../host/resilience/crash-budget.ts'
import { Change, ChangeLog } from '../../host/wasm/change-log.ts'
import type { Executor, GuestOutcome } from '../../host/wasm/executor.ts'
import { LOCAL_GRANT } from '../../host/wasm/grant/grant.ts'
import { readDescription } from '../../host/wasm/module/description.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import { MonitoredExecutor } from '../../host/wasm/monitored-executor.ts'
import type { OpenPlugin } from '../../host/wasm/open-plugin.ts'
import { outcomeOf } from '../../host/wasm/outcome.ts'
import { PluginMonitor, type Suspension } from '../../host/wasm/plugin-monitor.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('filters/refused-writes')

const NAMES = { pipeline: 'main', filter: 'plugin', plugin: 'p', version: '1.0.0', digest: 'd' }

/** All phases, so that there is an outcome to apply in each. */
const DESCRIPTION = readDescription(
  readModule(
    wat(`(module (memory (export "memory") 1)
      (func (export "penstock_on_request") (result i32) (i32.const 0))
      (func (export "penstock_on_response") (result i32) (i32.const 0))
      (func (export "penstock_on_done")))`),
  ),
)

/**
 * A filter whose guest, in whatever phase it runs, writes `name` into the request as `value`. Its executor did not
 * look at it, as one that a guest has got the better of.
 */
function rig(isolation: 'inline' | 'worker', name: string) {
  const clock = new FakeClock()
  const suspensions: Suspension[] = []
  const lines: string[] = []
  const monitor = new PluginMonitor(NAMES, clock, (one) => suspensions.push(one))
  const outcome = (): GuestOutcome => {
    const changes = new ChangeLog()
    changes.push(Change.requestHeaderSet, name, 'x')
    return outcomeOf(0, false, changes, 1)
  }
  const inner: Partial<Executor> = {
    submit: (_item, listener) => {
      if (isolation === 'inline') return outcome()
      setImmediate(() => listener.onOutcome(outcome()))
      return null
    },
  }
  const plugin: Partial<OpenPlugin> = {
    digest: 'sha256:0',
    name: 'p',
    description: DESCRIPTION,
    executor: new MonitoredExecutor(inner as Executor, monitor),
    grant: LOCAL_GRANT,
    meters: { record: () => undefined },
    debugRun: null,
    observe: (seen) => monitor.observe(seen),
    isSuspended: () => monitor.isSuspended,
  }
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ level: 'debug', destination, pretty: false })
  // What else an open plugin has is for whoever opened it.
  const filter = new WasmFilter(plugin as OpenPlugin, log)
  return { filter, monitor, clock, suspensions, lines }
}

function exchange(): Exchange {
  return new Exchange(makeRequest({ target: '/' }), 'server', 0)
}

for (const isolation of ['inline', 'worker'] as const) {
  test(`a write that is refused fails the call, in the log and in the metrics by its reason (${isolation})`, async () => {
    const { filter, monitor, lines } = rig(isolation, 'content-length')
    const one = exchange()
    assert.is(await promised(filter.handle(one)), 'wasmError')
    assert.is(one.request.headers.has('content-length'), false)
    assert.equal([...monitor.failures], [['GUEST_WRITE_REFUSED', 1]])
    assert.equal(monitor.calls, { next: 0, result: 0, replied: 0, failed: 1 })
    assert.match(lines.join('\n'), /wrote what may not be sent: the header content-length/)
  })

  test(`a version that always writes what is refused is suspended, and each time for longer (${isolation})`, async () => {
    const { filter, clock, suspensions } = rig(isolation, 'content-length')
    for (let i = 0; i < CRASH_BUDGET.failures; i++) await promised(filter.handle(exchange()))
    assert.equal(
      suspensions.map(({ count }) => count),
      [1],
    )
    assert.match(suspensions[0]?.reason ?? '', /may not be sent/)
    clock.advance(CRASH_BUDGET.backoffMs)
    assert.is(await promised(filter.handle(exchange())), 'wasmError', 'one call is the trial')
    assert.is(suspensions.at(-1)?.count, 2)
  })

  test(`in the response phase and after the last byte it counts the same (${isolation})`, async () => {
    const { filter, monitor } = rig(isolation, 'x y')
    const one = exchange()
    one.response = new Response(200)
    assert.is(await promised(filter.handle(one)), 'wasmError')
    one.finish({ status: 200, durationMs: 1, sentBytes: 0, isComplete: true })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal([...monitor.failures], [['GUEST_WRITE_REFUSED', 2]])
  })

  test(`what may be sent is a call that went well (${isolation})`, async () => {
    const { filter, monitor } = rig(isolation, 'x-y')
    const one = exchange()
    assert.is(await promised(filter.handle(one)), undefined)
    assert.is(one.request.headers.get('x-y'), 'x')
    assert.is(monitor.failures.size, 0)
    assert.equal(monitor.calls, { next: 1, result: 0, replied: 0, failed: 0 })
  })
}
