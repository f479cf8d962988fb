import { TURN_TASKS, Turn, TurnPhase } from '../host/turn.ts'
import { assert, suite } from './support/suite.ts'

const test = suite('turn')

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

test('what was scheduled runs once, at the end of the turn, in the order of its phases', async () => {
  const turn = new Turn()
  const seen: string[] = []
  turn.schedule(TurnPhase.send, { onTurn: () => seen.push('send') })
  turn.schedule(TurnPhase.handle, { onTurn: () => seen.push('handle 1') })
  turn.schedule(TurnPhase.hand, { onTurn: () => seen.push('hand') })
  turn.schedule(TurnPhase.handle, { onTurn: () => seen.push('handle 2') })
  assert.equal(seen, [], 'nothing runs before the end of the turn')
  await nextTurn()
  await nextTurn()
  assert.equal(seen, ['handle 1', 'handle 2', 'hand', 'send'])
})

test('what a promise brings in one phase is there in the next', async () => {
  const turn = new Turn()
  const seen: string[] = []
  const sends = { onTurn: () => seen.push('sent') }
  turn.schedule(TurnPhase.handle, {
    onTurn: () => {
      void Promise.resolve()
        .then(() => undefined)
        .then(() => {
          seen.push('handled')
          turn.schedule(TurnPhase.send, sends)
        })
    },
  })
  const sent = new Promise<void>((resolve) => {
    // In the list of immediates behind those of the turn.
    setImmediate(resolve)
  })
  await sent
  assert.equal(seen, ['handled', 'sent'], 'in the same turn')
})

test('a task that comes when its phase has begun runs in the next turn', async () => {
  const turn = new Turn()
  const seen: string[] = []
  turn.schedule(TurnPhase.hand, {
    onTurn: () => {
      seen.push('hand')
      turn.schedule(TurnPhase.handle, { onTurn: () => seen.push('late handle') })
      turn.schedule(TurnPhase.hand, { onTurn: () => seen.push('late hand') })
      turn.schedule(TurnPhase.send, { onTurn: () => seen.push('send') })
    },
  })
  await nextTurn()
  await nextTurn()
  assert.equal(seen, ['hand', 'send', 'late handle', 'late hand'])
})

test(`more than ${TURN_TASKS} tasks of a phase run at once`, async () => {
  const turn = new Turn()
  let ran = 0
  const task = {
    onTurn: () => {
      ran += 1
    },
  }
  for (let i = 0; i < TURN_TASKS; i++) turn.schedule(TurnPhase.handle, task)
  assert.is(ran, 0)
  turn.schedule(TurnPhase.handle, task)
  assert.is(ran, TURN_TASKS + 1)
  turn.schedule(TurnPhase.handle, task)
  await nextTurn()
  assert.is(ran, TURN_TASKS + 2, 'and later ones still run')
})

test('tasks that schedule more tasks than a phase holds do not run within each other', async () => {
  const turn = new Turn()
  let depth = 0
  let ran = 0
  const inner = {
    onTurn: () => {
      ran += 1
      assert.is(depth, 0)
    },
  }
  turn.schedule(TurnPhase.handle, {
    onTurn: () => {
      depth += 1
      for (let i = 0; i < TURN_TASKS * 2; i++) turn.schedule(TurnPhase.handle, inner)
      depth -= 1
    },
  })
  await nextTurn()
  await nextTurn()
  await nextTurn()
  assert.is(ran, TURN_TASKS * 2)
})

test('a task that throws is not run again, and those behind it run', async () => {
  for (const phase of [TurnPhase.handle, TurnPhase.hand, TurnPhase.send]) {
    const turn = new Turn()
    const seen: string[] = []
    const thrown: unknown[] = []
    const note = (error: unknown): void => void thrown.push(error)
    const known = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', note)
    try {
      turn.schedule(phase, { onTurn: () => seen.push('first') })
      turn.schedule(phase, {
        onTurn: () => {
          seen.push('throws')
          throw new Error('a mistake')
        },
      })
      turn.schedule(phase, { onTurn: () => seen.push('last') })
      for (let i = 0; i < 3; i++) await nextTurn()
    } finally {
      process.removeListener('uncaughtException', note)
      for (const listener of known) process.on('uncaughtException', listener)
    }
    assert.equal(seen, ['first', 'throws', 'last'])
    assert.is(thrown.length, 1)
  }
})
