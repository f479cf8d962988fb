import {
  FIRST_RETRY_MS,
  MAX_RETRY_AFTER_MS,
  MAX_RETRY_MS,
  MIN_AGE_SHARE,
  OTHER_KIND_MS,
  RENEW_SPREAD_MS,
  RETRY_JITTER,
  renewAtMs,
  retryDelayMs,
} from '../../host/acme/renewal.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('acme/renewal')

const HOUR = 3_600_000
const DAY = 24 * HOUR

test('a certificate is renewed as long before its end as the settings say', () => {
  assert.is(renewAtMs(0, 90 * DAY, 30 * DAY, 0), 60 * DAY)
  assert.is(renewAtMs(0, 90 * DAY, 7 * DAY, 0), 83 * DAY)
})

test('one that lives shorter is renewed when half of its life is over, and not again and again', () => {
  assert.is(MIN_AGE_SHARE, 0.5)
  assert.is(renewAtMs(0, DAY, 30 * DAY, 0), 12 * HOUR)
  assert.is(renewAtMs(10 * DAY, 16 * DAY, 30 * DAY, 0), 13 * DAY)
})

test('renewals are spread over an hour, or over a tenth of what is left', () => {
  assert.is(RENEW_SPREAD_MS, HOUR)
  assert.is(renewAtMs(0, 90 * DAY, 30 * DAY, 0.5), 60 * DAY + HOUR / 2)
  assert.is(renewAtMs(0, 20_000, 30 * DAY, 0.999), 10_000 + 999)
})

test('failures are repeated by the other kind first, then less and less often', () => {
  assert.equal([OTHER_KIND_MS, FIRST_RETRY_MS, MAX_RETRY_MS], [10_000, 600_000, 6 * HOUR])
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((failures) => retryDelayMs(failures, 2, null, 0))
  const minutes = [10, 20, 40, 80, 160, 320, 360, 360].map((count) => count * 60_000)
  assert.equal(delays, [OTHER_KIND_MS, ...minutes])
  assert.is(retryDelayMs(1, 1, null, 0), FIRST_RETRY_MS)
})

test('no more than five failures fall into an hour', () => {
  for (const kinds of [1, 2]) {
    let atMs = 0
    let failures = 0
    while (atMs < HOUR) {
      failures += 1
      atMs += retryDelayMs(failures, kinds, null, 0)
    }
    assert.ok(failures <= 5, `${failures} with ${kinds} kinds`)
  }
})

test('what the authority says about coming again counts, up to a day', () => {
  assert.is(retryDelayMs(1, 2, HOUR, 0), HOUR)
  assert.is(retryDelayMs(3, 2, 1_000, 0), 20 * 60_000)
  assert.is(retryDelayMs(1, 2, 30 * DAY, 0), MAX_RETRY_AFTER_MS)
})

test('repetitions get up to a quarter later, so that many gateways do not come at once', () => {
  assert.is(RETRY_JITTER, 0.25)
  assert.is(retryDelayMs(2, 2, null, 0.5), FIRST_RETRY_MS * 1.125)
})
