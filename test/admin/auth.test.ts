import { Authenticator } from '../../host/admin/auth.ts'
import {
  FAILURE_WINDOW_MS,
  MAX_AUTH_FAILURES,
  MAX_FAILURE_ADDRESSES,
} from '../../host/admin/limits.ts'
import { isGatewayError } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('admin/auth')
const TOKEN = 'x'.repeat(43)

function rig() {
  const clock = { now: 1_000 }
  const auth = new Authenticator(TOKEN, () => clock.now)
  const attempt = (authorization: string | undefined, address = '10.0.0.1'): string => {
    try {
      auth.check(authorization, address)
      return 'taken'
    } catch (error) {
      return isGatewayError(error) ? error.code : String(error)
    }
  }
  return { clock, attempt }
}

test('takes the token and nothing like it', () => {
  const { attempt } = rig()
  assert.is(attempt(`Bearer ${TOKEN}`), 'taken')
  assert.is(attempt(`bearer  ${TOKEN} `), 'taken')
  for (const wrong of [
    '',
    TOKEN,
    `Basic ${TOKEN}`,
    'Bearer',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN} x`,
  ]) {
    assert.is(attempt(wrong), 'ADMIN_UNAUTHORIZED', wrong)
  }
})

test('an address waits after its wrong tokens, others do not, and the right token always works', () => {
  const { clock, attempt } = rig()
  for (let i = 0; i < MAX_AUTH_FAILURES; i++) {
    assert.is(attempt('Bearer wrong'), 'ADMIN_UNAUTHORIZED')
  }
  assert.is(attempt('Bearer wrong'), 'ADMIN_RATE_LIMITED')
  assert.is(attempt('Bearer wrong', '10.0.0.2'), 'ADMIN_UNAUTHORIZED')
  assert.is(attempt(`Bearer ${TOKEN}`), 'taken')
  clock.now += FAILURE_WINDOW_MS - 1
  assert.is(attempt('Bearer wrong'), 'ADMIN_RATE_LIMITED')
  clock.now += 1
  assert.is(attempt('Bearer wrong'), 'ADMIN_UNAUTHORIZED')
})

test('a missing token is refused and not counted', () => {
  const { attempt } = rig()
  for (let i = 0; i < 50; i++) assert.is(attempt(undefined), 'ADMIN_UNAUTHORIZED')
})

test('the memory of failures is bounded: the oldest address is forgotten', () => {
  const { attempt } = rig()
  for (let i = 0; i <= MAX_AUTH_FAILURES; i++) attempt('Bearer wrong', 'first')
  assert.is(attempt('Bearer wrong', 'first'), 'ADMIN_RATE_LIMITED')
  for (let i = 0; i < MAX_FAILURE_ADDRESSES; i++) attempt('Bearer wrong', `address ${i}`)
  assert.is(attempt('Bearer wrong', 'first'), 'ADMIN_UNAUTHORIZED')
})
