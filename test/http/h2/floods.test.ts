import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { engineSuites } from '../engine-tests.ts'
import type { ServerCost } from './flooded-server.ts'
import {
  block,
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  FrameClient,
  frame,
  get,
  HEADERS,
  PING,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts'

/** Frames of a flood: far more than are ever taken. */
const FRAMES = 500_000

/** CPU time one flood may cost the server; it needs 5 to 80 ms. */
const MAX_CPU_MS = 500

/** Resident memory that may be left of a flood, as the cases have it. */
const MAX_GROWTH_BYTES = 10 * 1024 * 1024

const CLOSED = /^(?:goaway (?:ENHANCE_YOUR_CALM|PROTOCOL_ERROR|INTERNAL_ERROR)|closed)$/

let child: ChildProcess
let port = 0

const test = engineSuites('http/h2/floods', (one, { name }) => {
  one.before(async () => {
    // The young generation is kept small: what grows is then memory that the flood has taken.
    child = fork(join(import.meta.dirname, 'flooded-server.ts'), [name], {
      execArgv: ['--max-semi-space-size=1'],
    })
    const [started] = (await once(child, 'message')) as [{ port: number }]
    port = started.port
  })
  one.after(() => {
    child.kill()
  })
})

async function costSoFar(): Promise<ServerCost> {
  const answer = once(child, 'message')
  child.send('cost')
  const [cost] = (await answer) as [ServerCost]
  return cost
}

/** What one more attack costs, after a first one that has the server's code compiled. */
async function costOf(attack: () => Promise<void>): Promise<ServerCost> {
  await attack()
  const before = await settled()
  await attack()
  const after = await settled()
  return {
    cpuMs: after.cpuMs - before.cpuMs,
    rssBytes: after.rssBytes - before.rssBytes,
    handled: after.handled - before.handled,
    connections: after.connections,
  }
}

/** Once no connection is left. */
async function settled(): Promise<ServerCost> {
  let cost = await costSoFar()
  await until(async () => {
    cost = await costSoFar()
    return cost.connections === 0
  }, 'every connection is gone')
  return cost
}

function checkBounds(cost: ServerCost): void {
  assert.ok(cost.cpuMs < MAX_CPU_MS, `${cost.cpuMs} ms of CPU`)
  assert.ok(cost.rssBytes < MAX_GROWTH_BYTES, `${cost.rssBytes} bytes more`)
}

/** Sends `count` frames, 500 of `next` at a time, unless the connection ends before; answers how it ended. */
async function flood(client: FrameClient, next: () => Buffer, count: number): Promise<string> {
  for (let frames = 0; frames < count && !client.hasEnded; frames += 500) {
    if (!client.socket.write(next())) {
      await new Promise<void>((resolve) => {
        const done = (): void => resolve()
        client.socket.once('drain', done)
        client.socket.once('close', done)
      })
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return await client.over()
}

/** The same frame 500 times. */
function many(one: Buffer): () => Buffer {
  const bytes = Buffer.concat(Array.from({ length: 500 }, () => one))
  return () => bytes
}

async function othersAreServed(): Promise<void> {
  const other = await FrameClient.open(port)
  assert.is(await other.head(1, get()).outcome(), 'answer 200')
  other.close()
}

const FLOODS: Readonly<Record<string, Buffer>> = {
  'T12: a flood of empty SETTINGS': frame(SETTINGS, 0, 0),
  'a flood of PING': frame(PING, 0, 0, Buffer.alloc(8)),
  'T16: a flood of PRIORITY': frame(PRIORITY, 0, 1, Buffer.of(0, 0, 0, 0, 16)),
  'T17: a flood of WINDOW_UPDATE': frame(WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1)),
  'T18: a flood of frames of an unknown type': frame(0xbe, 0, 0, Buffer.alloc(4)),
}

for (const [name, one] of Object.entries(FLOODS)) {
  test(`${name} ends the connection, at little cost`, async () => {
    const cost = await costOf(async () => {
      const client = await FrameClient.open(port)
      assert.match(await flood(client, many(one), FRAMES), CLOSED)
      // Of SETTINGS and PING each is owed an answer: no heap of them is kept for a client that reads none.
      assert.ok(client.types.length < 20_000, `${client.types.length} answers`)
    })
    checkBounds(cost)
    assert.is(cost.handled, 0)
    await othersAreServed()
  })
}

test('T08: a header that never ends ends the connection before it is large', async () => {
  const part = frame(CONTINUATION, 0, 1, block([['x', 'y'.repeat(20)]]))
  const cost = await costOf(async () => {
    const client = await FrameClient.open(port)
    client.send(frame(HEADERS, END_STREAM, 1, block(get())))
    assert.match(await flood(client, many(part), 100_000), CLOSED)
  })
  checkBounds(cost)
  assert.is(cost.handled, 0)
  await othersAreServed()
})

test('rapid reset: the connection ends after some hundred streams', async () => {
  const cost = await costOf(async () => {
    const client = await FrameClient.open(port)
    let id = 1
    const next = (): Buffer => {
      const frames: Buffer[] = []
      for (let i = 0; i < 250; i++, id += 2) {
        frames.push(frame(HEADERS, END_HEADERS, id, block(get({ ':method': 'POST' }))))
        frames.push(frame(RST_STREAM, 0, id, Buffer.of(0, 0, 0, 8)))
      }
      return Buffer.concat(frames)
    }
    assert.match(await flood(client, next, 100_000), CLOSED)
  })
  checkBounds(cost)
  assert.ok(cost.handled < 1_500, `${cost.handled} requests`)
  await othersAreServed()
})
