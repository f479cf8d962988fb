import { GatewayError } from '../../../host/errors.ts'
import { DataStore } from '../../../host/wasm/data/data-store.ts'
import type { GuestOutcome } from '../../../host/wasm/executor.ts'
import { Lane } from '../../../host/wasm/worker/lane.ts'
import { QueuedItem } from '../../../host/wasm/worker/queued-item.ts'
import { did, itemThat, OBEDIENT_SETUP } from '../../support/obedient-guest.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/worker/lane')

const makeLane = (): Lane => new Lane(() => undefined, { store: new DataStore(), waitMs: 5_000 })

function queue(what: string, done: (outcome: GuestOutcome) => void): QueuedItem {
  const sender = { onAnswered: () => undefined }
  const listener = { onOutcome: done }
  return new QueuedItem(OBEDIENT_SETUP, itemThat(what), 60_000, 60_000, 0, 1, sender, listener)
}

test('items behind three traps in a row were not started, and another lane can run them', async () => {
  const first = makeLane()
  const second = makeLane()
  const answers: string[] = []
  let all: () => void = () => undefined
  const whenAll = new Promise<void>((resolve) => {
    all = resolve
  })
  const given: QueuedItem[] = []
  first.onGivenBack = (items) => {
    given.push(...items)
    for (const item of items) second.enqueue(item)
  }
  const what = ['a', 'trap', 'trap', 'trap', 'b', 'c']
  for (const does of what) {
    first.enqueue(
      queue(does, (outcome) => {
        answers.push(did(outcome))
        if (answers.length === what.length) all()
      }),
    )
  }
  await whenAll
  const trapped = 'GUEST_TRAPPED'
  assert.equal(answers, ['a', trapped, trapped, trapped, 'b', 'c'])
  assert.is(given.length, 2)
  assert.equal([first.load, second.load], [0, 0])
  await Promise.all([first.close(), second.close()])
})

test('what ran when a thread was ended has its time, and what did not run comes back', async () => {
  const lane = makeLane()
  await lane.ready
  const outcomes: GuestOutcome[] = []
  const items = ['loop', 'b'].map((does) => queue(does, (outcome) => outcomes.push(outcome)))
  for (const item of items) lane.enqueue(item)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const unrun = lane.end(() => new GatewayError('GUEST_TIMEOUT', { ms: 1 }))
  assert.equal(unrun, [items[1]])
  assert.is(outcomes[0]?.failure?.code, 'GUEST_TIMEOUT')
  assert.ok((outcomes[0]?.runMs ?? -1) >= 0 && (outcomes[0]?.queueMs ?? -1) >= 0)
})
