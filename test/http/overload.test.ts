import { HTTP_ENGINES } from '../../host/http/engines.ts'
import {
  NO_KEEP_ALIVE,
  NORMAL,
  OVERLOAD_THRESHOLDS,
  Overload,
  type OverloadSample,
  REFUSING,
  SHEDDING,
} from '../../host/http/overload/overload.ts'
import { ProcessProbe } from '../../host/http/overload/process-probe.ts'
import { assert, suite } from '../support/suite.ts'
import { startTinyProxy } from './native/tiny-proxy.ts'
import { startUpstream, valuesOf, WireClient } from './wire.ts'

const test = suite('http/overload')

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** An overload whose process is as the test says. */
function fake(): { overload: Overload; now: OverloadSample; changes: number[] } {
  const changes: number[] = []
  const process = { now: { loopDelayMs: 0, memoryRatio: 0.1 } }
  const probe = { sample: (): OverloadSample => process.now }
  const overload = new Overload(probe, OVERLOAD_THRESHOLDS, (level) => changes.push(level))
  return Object.assign(process, { overload, changes })
}

test('L12: memory at 92, 95 and 98 percent: no keep-alive, then 503, then no accept', () => {
  for (const [memoryRatio, level] of [
    [0.919, NORMAL],
    [0.92, NO_KEEP_ALIVE],
    [0.949, NO_KEEP_ALIVE],
    [0.95, SHEDDING],
    [0.98, REFUSING],
  ] as const) {
    const rig = fake()
    rig.now = { loopDelayMs: 0, memoryRatio }
    rig.overload.look(0)
    assert.is(rig.overload.level, level, `${memoryRatio}`)
  }
})

test('the delay of the event loop: 100 ms, 250 ms, and never all the way', () => {
  for (const [loopDelayMs, level] of [
    [99, NORMAL],
    [100, NO_KEEP_ALIVE],
    [250, SHEDDING],
    [60_000, SHEDDING],
  ] as const) {
    const rig = fake()
    rig.now = { loopDelayMs, memoryRatio: 0 }
    rig.overload.look(0)
    assert.is(rig.overload.level, level, `${loopDelayMs} ms`)
  }
})

test('a level is left one at a time, a second after all is better, and not between the two thresholds', () => {
  const rig = fake()
  rig.now = { loopDelayMs: 0, memoryRatio: 0.99 }
  rig.overload.look(0)
  assert.is(rig.overload.level, REFUSING)
  rig.now = { loopDelayMs: 0, memoryRatio: 0.96 }
  for (let ms = 100; ms <= 5_000; ms += 100) rig.overload.look(ms)
  assert.is(rig.overload.level, REFUSING, 'better, but not well')
  rig.now = { loopDelayMs: 0, memoryRatio: 0.5 }
  rig.overload.look(5_100)
  rig.overload.look(6_000)
  assert.is(rig.overload.level, REFUSING, 'not yet')
  rig.overload.look(6_100)
  assert.is(rig.overload.level, SHEDDING)
  // What gets worse in between starts the second again.
  rig.now = { loopDelayMs: 150, memoryRatio: 0.5 }
  rig.overload.look(6_800)
  rig.now = { loopDelayMs: 0, memoryRatio: 0.5 }
  rig.overload.look(6_900)
  rig.overload.look(7_800)
  assert.is(rig.overload.level, SHEDDING)
  rig.overload.look(7_900)
  rig.overload.look(8_900)
  assert.is(rig.overload.level, NORMAL)
  assert.equal(rig.changes, [REFUSING, SHEDDING, NO_KEEP_ALIVE, NORMAL])
})

test('the probe measures how late its caller is most of the time, and how full the heap is', () => {
  const probe = new ProcessProbe()
  probe.sample(0)
  let last = probe.sample(100)
  assert.is(last.loopDelayMs, 0)
  assert.ok(last.memoryRatio > 0 && last.memoryRatio < 1)
  // One pause, however long, is no overload.
  last = probe.sample(9_200)
  assert.is(last.loopDelayMs, 0)
  for (let i = 0; i < 10; i++) last = probe.sample(9_600 + i * 400)
  assert.is(last.loopDelayMs, 300)
  for (let i = 0; i < 10; i++) last = probe.sample(13_300 + i * 100)
  assert.is(last.loopDelayMs, 0)
})

for (const engine of HTTP_ENGINES) {
  test(`${engine.name}: each level does what it says, and what it stops goes on afterwards`, async () => {
    const rig = fake()
    const upstream = await startUpstream((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    )
    const proxy = await startTinyProxy(engine, upstream.origin, { overload: rig.overload })
    const open: WireClient[] = []
    const connect = async (): Promise<WireClient> => {
      const client = await WireClient.open(proxy.port)
      open.push(client)
      return client
    }
    const kept = await connect()
    await kept.ask(GET)
    rig.overload.level = NO_KEEP_ALIVE
    const last = await kept.ask(GET)
    assert.is(last.status, 200)
    assert.ok(valuesOf(last, 'connection').includes('close'))
    await kept.ended()

    const before = upstream.seen.length
    rig.overload.level = SHEDDING
    const shed = await (await connect()).ask(GET)
    assert.is(shed.status, 503)
    assert.equal(valuesOf(shed, 'retry-after'), ['1'])
    assert.equal(valuesOf(shed, 'connection'), ['close'])
    assert.is(upstream.seen.length, before, 'nothing goes on')
    assert.is(rig.overload.shed, 1)

    rig.overload.level = REFUSING
    const refused = await connect()
    refused.write(GET)
    await refused.ended()
    assert.is(refused.received, '')

    rig.overload.level = NORMAL
    assert.is((await (await connect()).ask(GET)).status, 200)
    for (const client of open) client.close()
    await proxy.close()
    await upstream.close()
  })
}
