import { Exchange } from '../../host/exchange/exchange.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { applyChanges } from '../../host/wasm/apply-changes.ts'
import type { Executor, PluginSetup } from '../../host/wasm/executor.ts'
import { InlineExecutor } from '../../host/wasm/inline-executor.ts'
import { Errno, GUEST_LIMITS } from '../../host/wasm/limits.ts'
import { gateModule } from '../../host/wasm/module/gate.ts'
import { ThreadPool } from '../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../host/wasm/worker/worker-executor.ts'
import { Cleanup } from '../support/gateway.ts'
import { itemThat } from '../support/obedient-guest.ts'
import { outcomeFrom } from '../support/outcome-from.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('wasm/tags')

const cleanup = new Cleanup()
test.after(() => cleanup.run())

/** Tags `length` bytes `times` times, and returns 100 plus what the last call returned. */
const tagging = (length: number, times: number): PluginSetup => ({
  id: 1,
  name: 'guest',
  abi: 'penstock_v1',
  module: new WebAssembly.Module(
    Uint8Array.from(
      gateModule(
        wat(`(module
          (import "penstock_v1" "tag" (func $tag (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "gr\\c3\\bc\\c3\\9fe")
          (func (export "penstock_on_request") (result i32)
            (local $i i32) (local $code i32)
            (loop $l
              (local.set $code (call $tag (i32.const 0) (i32.const ${length})))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $l (i32.lt_u (local.get $i) (i32.const ${times}))))
            (i32.add (i32.const 100) (local.get $code))))`),
      ).bytes,
    ),
  ),
  parameters: new Map(),
  fuel: 20_000_000,
  data: null,
  reset: 'never',
})

const EXECUTORS: Readonly<Record<string, (setup: PluginSetup) => Executor>> = {
  inline: (setup) => new InlineExecutor(setup, () => undefined),
  worker: (setup) => {
    const pool = new ThreadPool(1, () => undefined)
    cleanup.add(() => pool.close())
    return new WorkerExecutor(setup, pool, {
      timeoutMs: 2_000,
      queueTimeoutMs: 10_000,
      queueLength: 10,
      maxConcurrency: 1,
    })
  },
}

for (const [isolation, make] of Object.entries(EXECUTORS)) {
  /** What the last call returned, and the tags of the exchange. */
  const run = async (length: number, times: number) => {
    const exchange = new Exchange(makeRequest({}), 'test', 0)
    const { result, changes } = await outcomeFrom(make(tagging(length, times)), itemThat('x'))
    if (changes !== null) applyChanges(exchange, changes)
    return { code: result - 100, tags: exchange.tags }
  }

  test(`a tag is text in UTF-8, ${isolation}`, async () => {
    assert.equal(await run(7, 1), { code: 0, tags: ['grüße'] })
  })

  test(`tags are not empty, not too long and not too many, ${isolation}`, async () => {
    const { tagBytes, tags: limit } = GUEST_LIMITS
    assert.equal(await run(0, 1), { code: Errno.invalid, tags: null })
    assert.is((await run(tagBytes, 1)).code, 0)
    assert.equal(await run(tagBytes + 1, 1), { code: Errno.tooLarge, tags: null })
    const many = await run(7, limit + 1)
    assert.is(many.code, Errno.tooLarge)
    assert.is(many.tags?.length, limit)
  })
}
