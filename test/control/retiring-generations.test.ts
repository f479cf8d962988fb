import { LIVE_GENERATIONS, RetiringGenerations } from '../../host/control/retiring-generations.ts'
import type { Generation } from '../../host/objects/generation.ts'
import { createLogger } from '../../host/observe/log.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('control/retiring-generations')

/** Waits for `leave`, or to be ended. */
class Fake implements Generation {
  readonly drainTimeoutMs: number
  exchanges: number
  isEnded = false
  readonly #closed: Promise<void>
  leave: () => void = () => undefined

  constructor(exchanges: number, drainTimeoutMs = 0) {
    this.exchanges = exchanges
    this.drainTimeoutMs = drainTimeoutMs
    this.#closed = new Promise((resolve) => {
      this.leave = resolve
    })
  }

  activate(): void {
    // It never serves.
  }

  retire(): Promise<void> {
    if (this.exchanges === 0) this.leave()
    return this.#closed
  }

  end(): number {
    this.isEnded = true
    this.leave()
    return this.exchanges
  }

  status(): unknown {
    return {}
  }
}

function start(): { retiring: RetiringGenerations; lines: string[] } {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ level: 'debug', destination, pretty: false })
  return { retiring: new RetiringGenerations(log), lines }
}

test('the number of live generations is one of each object: many objects may change at once', () => {
  const { retiring } = start()
  for (let n = 0; n < 100; n++) void retiring.retire(`pipeline-${n}`, new Fake(1))
  assert.is(retiring.count, 100)
  assert.equal(retiring.ended, { limit: 0, drainTimeout: 0 })
})

test('one more than may live ends the one that waits longest, and says so once', async () => {
  const { retiring, lines } = start()
  const old = Array.from({ length: LIVE_GENERATIONS + 1 }, () => new Fake(3))
  const closed = old.map((one) => retiring.retire('main', one))
  await Promise.all(closed.slice(0, 2))
  assert.equal(
    old.map(({ isEnded }) => isEnded),
    old.map((_, n) => n < 2),
  )
  assert.equal(retiring.ended, { limit: 2, drainTimeout: 0 })
  assert.is(retiring.count, LIVE_GENERATIONS - 1)
  assert.is(lines.filter((line) => line.includes('is ended with 3 exchanges in it')).length, 2)
})

test('generations that nobody is in close by themselves, however many there are', async () => {
  const { retiring, lines } = start()
  const old = Array.from({ length: 100 }, () => new Fake(0))
  await Promise.all(old.map((one) => retiring.retire('main', one)))
  assert.is(retiring.count, 0)
  assert.equal(retiring.ended, { limit: 0, drainTimeout: 0 })
  assert.equal(lines, [])
})

test('one that closes in time is not ended by its drainTimeout', async () => {
  const { retiring } = start()
  const late = new Fake(1, 5)
  const early = new Fake(1, 60_000)
  const closed = [retiring.retire('main', late), retiring.retire('main', early)]
  early.leave()
  await Promise.all(closed)
  assert.equal([late.isEnded, early.isEnded], [true, false])
  assert.equal(retiring.ended, { limit: 0, drainTimeout: 1 })
})

test('one that fails to close is in the log and waited for no longer', async () => {
  const { retiring, lines } = start()
  const broken = new Fake(1)
  broken.retire = () => Promise.reject(new Error('a pool does not close'))
  await retiring.retire('main', broken)
  assert.is(retiring.count, 0)
  assert.ok(lines.some((line) => line.includes('a pool does not close')))
})
