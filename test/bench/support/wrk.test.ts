import { parseWrk } from '../../../bench/support/wrk.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('bench/wrk')

const REPORT = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.19ms    2.02ms  15.42ms   69.80%
    Req/Sec    19.72k     1.93k   22.95k    60.00%
  Latency Distribution
     50%    2.71ms
     75%    3.98ms
     90%  870.00us
     99%    1.02s
  39538 requests in 2.02s, 7.77MB read
`

test('reads requests, rate and latencies in their units', () => {
  assert.equal(parseWrk(`${REPORT}Requests/sec:  19572.39\nTransfer/sec:      3.85MB\n`), {
    requests: 39_538,
    requestsPerSecond: 19_572.39,
    p50Us: 2_710,
    p99Us: 1_020_000,
    failures: 0,
  })
})

test('counts refusals and broken connections as failures', () => {
  const errors = '  Socket errors: connect 1, read 2, write 3, timeout 4\n'
  const refused = '  Non-2xx or 3xx responses: 100\n'
  const report = parseWrk(`${REPORT}${errors}${refused}Requests/sec:  19572.39\n`)
  assert.is(report.failures, 110)
})

test('does not take another text for a report', () => {
  assert.throws(() => parseWrk('unable to connect'), /not a report of wrk/)
})
