import { GUEST_LIMITS } from '../../host/wasm/limits.ts'
import { LogRate } from '../../host/wasm/log-rate.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/log-rate')

test('lines past the limit of a second are left out, which is said once in each second', () => {
  let now = 0
  const rate = new LogRate(() => now)
  const logged: string[] = []
  const write = (lines: number): void => {
    for (let i = 0; i < lines; i++) {
      rate.pass(1, 'a line', (level, message) => logged.push(`${level} ${message}`))
    }
  }
  write(GUEST_LIMITS.logLinesPerSecond + 50)
  assert.is(logged.length, GUEST_LIMITS.logLinesPerSecond + 1)
  assert.match(logged.at(-1) ?? '', /^2 more than \d+ log lines in a second/)
  now += 999
  write(10)
  assert.is(logged.length, GUEST_LIMITS.logLinesPerSecond + 1)
  now += 1
  write(1)
  assert.is(logged.at(-1), '1 a line')
})
