import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../../host/clock.ts'
import { type DeadlineEntry, Deadlines } from '../../host/http/deadlines.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('http/deadlines')

class Entry implements DeadlineEntry {
  deadlineMs = 0
  previous: DeadlineEntry | null = null
  next: DeadlineEntry | null = null
  deadlines: Deadlines | null = null
  readonly startedAtMs = monotonicMs()
  readonly expired: Promise<number>
  #expire: (afterMs: number) => void = () => undefined

  constructor() {
    this.expired = new Promise((resolve) => {
      this.#expire = resolve
    })
  }

  expire(): void {
    this.#expire(monotonicMs() - this.startedAtMs)
  }
}

test('expires each entry at its own time, never early', async () => {
  const deadlines = new Deadlines(60)
  const first = new Entry()
  deadlines.add(first)
  await sleep(25)
  const second = new Entry()
  deadlines.add(second)
  for (const entry of [first, second]) {
    const afterMs = await entry.expired
    assert.ok(afterMs >= 60, `${afterMs} ms`)
    assert.is(entry.deadlines, null)
  }
})

test('forgets what was removed, from the head, the middle and the tail', async () => {
  const deadlines = new Deadlines(30)
  const entries = Array.from({ length: 5 }, () => new Entry())
  const expired: number[] = []
  entries.forEach((entry, index) => {
    void entry.expired.then(() => expired.push(index))
    deadlines.add(entry)
  })
  for (const index of [0, 2, 4]) deadlines.remove(entries[index] as Entry)
  deadlines.remove(entries[0] as Entry)
  await Promise.all([entries[1]?.expired, entries[3]?.expired])
  assert.equal(expired, [1, 3])
})

test('starts again', async () => {
  const deadlines = new Deadlines(1_000)
  const entry = new Entry()
  deadlines.add(entry)
  await sleep(200)
  deadlines.restart(entry)
  const afterMs = await entry.expired
  assert.ok(afterMs >= 1_199, `${afterMs} ms`)
})

test('takes entries that are added while others expire', async () => {
  const deadlines = new Deadlines(20)
  const late = new Entry()
  const early = new Entry()
  void early.expired.then(() => deadlines.add(late))
  deadlines.add(early)
  assert.ok((await late.expired) >= 20)
})
