import { createLogger, type LoggerOptions, silentLogger } from '../../host/observe/log.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('observe/log')

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, log: createLogger({ level: 'info', destination, pretty: false, ...options }) }
}

test('a line is one JSON object with time, level, fields and message', () => {
  const { lines, log } = capture()
  log.info({ pipeline: 'demo', ms: 3 }, 'generation is live')
  assert.is(lines.length, 1)
  const line = JSON.parse(lines[0] ?? '')
  assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(
    { ...line, time: '' },
    { level: 'info', time: '', pipeline: 'demo', ms: 3, msg: 'generation is live' },
  )
})

test('a child adds its bindings to every line', () => {
  const { lines, log } = capture()
  log.child({ component: 'admin' }).child({ name: 'x' }).warn('hello')
  const line = JSON.parse(lines[0] ?? '')
  assert.is(line.component, 'admin')
  assert.is(line.name, 'x')
})

test('lines below the level are not written, and can be asked about', () => {
  const { lines, log } = capture({ level: 'warn' })
  log.info('no')
  assert.equal(lines, [])
  assert.is(log.isLevelEnabled('info'), false)
  assert.is(log.isLevelEnabled('error'), true)
})

test('the silent logger writes nothing', () => {
  const log = silentLogger()
  const write = process.stdout.write
  let written = 0
  process.stdout.write = () => {
    written += 1
    return true
  }
  try {
    log.error('nobody hears this')
  } finally {
    process.stdout.write = write
  }
  assert.is(written, 0)
  assert.is(log.isLevelEnabled('error'), false)
})

test('an error keeps its message and stack in JSON', () => {
  const { lines, log } = capture()
  log.error({ error: new TypeError('broken') }, 'failed')
  const line = JSON.parse(lines[0] ?? '')
  assert.is(line.error.message, 'broken')
  assert.match(line.error.stack, /log\.test\.ts/)
})

test('control characters of a field can neither start a line nor an escape sequence', () => {
  const evil = 'a\r\n{"level":"error"}\x1b[2J\x9b2J\u2028\x7f\0'
  for (const pretty of [false, true]) {
    const { lines, log } = capture({ pretty })
    log.warn({ agent: evil, [`key${evil}`]: 1 }, evil)
    const text = lines.join('')
    assert.not.match(text.slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028\u2029]/)
    if (!pretty) assert.is(JSON.parse(text).agent, evil)
  }
})

test('the human line is short, and quotes a value with spaces', () => {
  const { lines, log } = capture({ pretty: true })
  log.info({ name: 'demo', reason: 'two words', empty: '', list: [1, 2] }, 'swapped')
  assert.match(
    lines[0] ?? '',
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}swapped name=demo reason="two words" empty="" list=\[1,2\]\n$/,
  )
})

test('the human line shows a stack on indented lines of its own', () => {
  const { lines, log } = capture({ pretty: true })
  log.error({ error: new Error('broken') }, 'failed')
  assert.match(lines[0] ?? '', /ERROR failed\n {4}Error: broken\n {8}at /)
})

test('colors are written only when they are asked for', () => {
  const plain = capture({ pretty: true })
  plain.log.error('x')
  assert.not.ok(plain.lines[0]?.includes('\x1b'))
  const colored = capture({ pretty: true, color: true })
  colored.log.error('x')
  assert.ok(colored.lines[0]?.includes('\x1b[31mERROR'))
})
