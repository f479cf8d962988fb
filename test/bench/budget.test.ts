import { excessesOf, parseBudget } from '../../host/bench/budget.ts'
import type { Measurement } from '../../host/bench/measure.ts'
import { isGatewayError } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('bench/budget')

const MEASURED: Measurement = {
  compileMs: 12,
  instantiateUs: 80,
  counts: {
    hostCalls: 7,
    bytesCopied: 2_048,
    fuel: 11_027,
    memoryBytes: 65_536,
    liveBytes: 100,
    calls: {},
  },
  levels: [
    { name: 'inline', time: { count: 1, p50Us: 5, p99Us: 46.7 } },
    { name: 'worker', time: { count: 1, p50Us: 150, p99Us: 900 } },
  ],
}

const exceeded = (text: string): string[] =>
  excessesOf(parseBudget(text), MEASURED).map(({ name }) => name)

test('what is at its limit is within it', () => {
  const all =
    'p50=5us, p99=46.7us,compile=12ms,instantiate=80us,hostcalls=7,fuel=11027,bytes=2KiB,memory=64KiB'
  assert.equal(exceeded(all), [])
})

test('everything past its limit is named', () => {
  const all =
    'p50=4999ns,p99=46us,compile=0.011s,instantiate=79us,hostcalls=6.9,fuel=11k,bytes=2047,memory=65KB'
  const names = ['p50', 'p99', 'compile', 'instantiate', 'hostcalls', 'fuel', 'bytes', 'memory']
  assert.equal(exceeded(all), names)
})

test('what cannot be read is refused with what can', () => {
  const refused = (text: string): string => {
    try {
      parseBudget(text)
      return ''
    } catch (error) {
      return isGatewayError(error, 'CLI_USAGE') ? error.message : String(error)
    }
  }
  assert.match(refused('hostcall=6'), /did you mean "hostcalls"/)
  assert.match(refused('speed=6'), /"speed" cannot be limited; there are p50, p99/)
  for (const text of ['p99=50', 'p99=50MiB', 'memory=-1', 'fuel=', 'fuel', 'hostcalls=6us', '']) {
    assert.not.equal(refused(text), '', text)
  }
})
