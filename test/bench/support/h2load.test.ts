import { parseH2load } from '../../../bench/support/h2load.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('bench/h2load')

const REPORT = `Application protocol: h2
finished in 2.00s, 2.00 req/s, 35.62MB/s
requests: 4 total, 9 started, 4 done, 4 succeeded, 0 failed, 0 errored, 0 timeout
`
const LOG = '1000\t200\t40\n1001\t200\t10\n1002\t200\t30\n1003\t204\t20\n'

test('reads requests and rate, and latencies from the log', () => {
  assert.equal(parseH2load(REPORT, LOG, 2), {
    requests: 4,
    requestsPerSecond: 2,
    p50Us: 30,
    p99Us: 40,
    failures: 0,
  })
})

test('counts what did not succeed', () => {
  const report = REPORT.replace('4 succeeded, 0 failed', '1 succeeded, 3 failed')
  assert.is(parseH2load(report, LOG, 2).failures, 3)
})

test('does not take another protocol or another text for a result', () => {
  assert.throws(() => parseH2load(REPORT.replace('h2', 'http/1.1'), LOG, 2), /no HTTP\/2/)
  assert.throws(() => parseH2load('unable to connect', LOG, 2), /not a report of h2load/)
})
