import { DataDesk } from '../../../host/wasm/data/data-desk.ts'
import type { PluginSetup } from '../../../host/wasm/executor.ts'
import { Block } from '../../../host/wasm/worker/block.ts'
import { writeRequest } from '../../../host/wasm/worker/codec.ts'
import { LINGER_MS } from '../../../host/wasm/worker/handover.ts'
import type { BatchReply, BatchTask } from '../../../host/wasm/worker/protocol.ts'
import { ThreadLink } from '../../../host/wasm/worker/thread-link.ts'
import { until } from '../../support/gateway.ts'
import { itemThat, OBEDIENT_SETUP } from '../../support/obedient-guest.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/worker/thread-link')

interface Thread {
  readonly link: ThreadLink
  readonly replies: BatchReply[]
  readonly deaths: number[]
  /** One batch of items, and how many of them were run. */
  run(items: readonly string[], more?: Partial<BatchTask>): Promise<number>
}

function open(): Thread {
  const block = new Block()
  const desk = new DataDesk(() => undefined)
  const replies: BatchReply[] = []
  const deaths: number[] = []
  let answer: (reply: BatchReply) => void = () => undefined
  const memory = { block: block.memory, data: desk.channel.memory, dataWaitMs: 5 }
  const link = new ThreadLink(memory, {
    onReply: (reply) => {
      replies.push(reply)
      answer(reply)
    },
    onMessage: () => undefined,
    onDied: () => {
      desk.close()
      deaths.push(1)
    },
  })
  const run = async (items: readonly string[], more: Partial<BatchTask> = {}): Promise<number> => {
    block.requests.at = 0
    for (const [slot, does] of items.entries()) {
      writeRequest(block.requests, OBEDIENT_SETUP.id, itemThat(does))
      block.reset(slot)
    }
    const reply = new Promise<BatchReply>((resolve) => {
      answer = resolve
    })
    link.give({ count: items.length, installs: null, drops: null, bodies: null, ...more })
    return (await reply).processed
  }
  return { link, replies, deaths, run }
}

test('the first answer is empty; after it batches are run, one after the other', async () => {
  const { link, replies, run } = open()
  await link.ready
  await until(() => replies.length === 1, 'the first answer')
  assert.is(replies[0]?.processed, 0)
  assert.is(await run(['a', 'a'], { installs: [OBEDIENT_SETUP] }), 2)
  for (let i = 0; i < 200; i++) assert.is(await run(['a']), 1)
  await link.end()
})

test('a batch that meets a thread which leaves is run all the same, and once', async () => {
  const { link, replies, run } = open()
  await link.ready
  await until(() => replies.length === 1, 'the first answer')
  await run(['a'], { installs: [OBEDIENT_SETUP] })
  // Around the moment it stops waiting for the next batch: before, at and after it.
  for (let i = -4; i <= 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS + i))
    assert.is(await run(['a', 'a', 'a']), 3)
  }
  assert.is(replies.length, 11)
  await link.end()
})

test('a thread that died is told of once, and one that was ended is not', async () => {
  const ended = open()
  await ended.link.ready
  await ended.link.end()
  const { link, replies, deaths, run } = open()
  await link.ready
  await until(() => replies.length === 1, 'the first answer')
  await run(['a'], { installs: [OBEDIENT_SETUP] })
  // Nothing catches what its own code throws: such a thread is of no use.
  const broken = 5 as unknown as PluginSetup[]
  link.give({ count: 0, installs: broken, drops: null, bodies: null })
  await until(() => deaths.length > 0, 'its death')
  await link.end()
  assert.equal([deaths.length, ended.deaths.length], [1, 0])
})
