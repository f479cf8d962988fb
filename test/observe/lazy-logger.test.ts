import { LazyLogger } from '../../host/observe/lazy-logger.ts'
import { createLogger, type Logger } from '../../host/observe/log.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('observe/lazy-logger')

function setUp() {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const root = createLogger({ level: 'info', destination, pretty: false })
  let children = 0
  const counted: Logger = Object.create(root, {
    child: {
      value: (bindings: Record<string, unknown>) => {
        children += 1
        return root.child(bindings)
      },
    },
  })
  return { lines, counted, count: () => children }
}

test('the lines are those of a child, with the fields of all above it', () => {
  const { lines, counted } = setUp()
  const log = new LazyLogger(counted, { pipeline: 'p' }).child({ filter: 'f' })
  log.info('plain')
  log.warn({ ms: 3 }, 'with a field')
  log.error('wrong')
  log.debug('not at this level')
  assert.equal(
    lines.map(({ pipeline, filter, ms, msg, level }) => [level, pipeline, filter, ms, msg]),
    [
      ['info', 'p', 'f', undefined, 'plain'],
      ['warn', 'p', 'f', 3, 'with a field'],
      ['error', 'p', 'f', undefined, 'wrong'],
    ],
  )
  assert.not(log.isLevelEnabled('debug'))
  assert.ok(log.isLevelEnabled('info'))
})

test('no child is made before the first line, and one for all of them', () => {
  const { counted, count } = setUp()
  const log = new LazyLogger(counted, { pipeline: 'p' })
  const inner = log.child({ filter: 'f' })
  assert.is(count(), 0)
  for (let i = 0; i < 3; i++) log.info('line')
  inner.info('line')
  assert.is(count(), 1)
})
