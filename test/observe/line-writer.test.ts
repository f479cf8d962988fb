import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type ByteTarget, LineWriter } from '../../host/observe/line-writer.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('observe/line-writer')

/** A reader that takes a write only when the test says so. */
function stalledTarget() {
  const writes: { text: string; done: (error?: Error) => void }[] = []
  const target: ByteTarget = (bytes, done) =>
    void writes.push({ text: bytes.toString(), done: (error) => done(error ?? null) })
  return { writes, target }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('lines of one turn of the loop go out in one write', async () => {
  const { writes, target } = stalledTarget()
  const writer = new LineWriter(target)
  writer.write('a\n')
  writer.write('b\n')
  assert.is(writes.length, 0)
  await turn()
  assert.equal(
    writes.map((write) => write.text),
    ['a\nb\n'],
  )
  writes[0]?.done()
})

test('one write is under way at a time and the order stays', async () => {
  const { writes, target } = stalledTarget()
  const writer = new LineWriter(target)
  writer.write('1\n')
  await turn()
  writer.write('2\n')
  writer.write('3\n')
  await turn()
  assert.is(writes.length, 1)
  writes[0]?.done()
  assert.is(writes[1]?.text, '2\n3\n')
  writes[1]?.done()
})

test('past the limit whole lines are dropped, counted and reported once there is room', async () => {
  const { writes, target } = stalledTarget()
  const writer = new LineWriter(target, 30)
  writer.write('0123456789\n')
  await turn()
  writer.write('0123456789\n')
  for (let i = 0; i < 5; i++) writer.write('0123456789\n')
  assert.is(writer.dropped, 5)
  writes[0]?.done()
  const [kept, notice] = (writes[1]?.text ?? '').split('\n')
  assert.is(kept, '0123456789')
  assert.is(JSON.parse(notice ?? '').dropped, 5)
  assert.is(writer.dropped, 0)
  writes[1]?.done()
})

test('closing waits for the lines taken before', async () => {
  const { writes, target } = stalledTarget()
  const writer = new LineWriter(target)
  writer.write('last\n')
  const closed = writer.close()
  writer.write('too late\n')
  await turn()
  assert.is(writes[0]?.text, 'last\n')
  writes[0]?.done()
  await closed
  assert.is(writes.length, 1)
})

test('closing gives up when the reader stalls', async () => {
  const { target } = stalledTarget()
  const writer = new LineWriter(target)
  writer.write('last\n')
  await writer.close(20)
})

test('a reader that goes away ends the log, not the process', async () => {
  const { writes, target } = stalledTarget()
  const writer = new LineWriter(target)
  writer.write('a\n')
  await turn()
  writes[0]?.done(new Error('EPIPE'))
  writer.write('b\n')
  await turn()
  assert.is(writes.length, 1)
  await writer.close()
})

const script = fileURLToPath(new URL('./fixtures/flood.ts', import.meta.url))

test('a process whose log nobody reads keeps its loop running and ends when it is told to', async () => {
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] })
  // stdout is never read: after 64 KiB the pipe is full.
  let report = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    report += text
  })
  const [code] = await once(child, 'exit')
  child.stdout.destroy()
  assert.is(code, 0)
  const { dropped, turns, bufferedBytes } = JSON.parse(report)
  assert.ok(dropped > 1_000, `dropped ${dropped}`)
  assert.ok(turns > 5, `turns ${turns}`)
  assert.ok(bufferedBytes <= 1024 * 1024, `buffered ${bufferedBytes}`)
})
