import { isGatewayError } from '../../../host/errors.ts'
import { parsePercent, parseSticky } from '../../../host/wasm/rollout/sticky.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/rollout/sticky')

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isGatewayError(error, 'PLUGIN_CANARY')) return error.message
    throw error
  }
  return ''
}

test('clients stick by address, header or cookie', () => {
  assert.equal(parseSticky('client'), { by: 'client', name: '' })
  assert.equal(parseSticky('header:X-User'), { by: 'header', name: 'x-user' })
  assert.equal(parseSticky('cookie:Session'), { by: 'cookie', name: 'Session' })
  for (const wrong of ['', 'ip', 'header', 'header:', 'cookie:a b', 'header:x:y', 'CLIENT']) {
    assert.match(
      refusal(() => parseSticky(wrong)),
      'client, header:NAME or cookie:NAME',
    )
  }
})

test('a share is more than nothing and at most everybody', () => {
  assert.equal(['5%', '5', '0.5%', '100%', '33.3'].map(parsePercent), [5, 5, 0.5, 100, 33.3])
  for (const wrong of ['', '0', '0%', '101%', '-5%', '5 %', '5%%', 'half', '1e1', '.5']) {
    assert.match(
      refusal(() => parsePercent(wrong)),
      'for instance 5%',
    )
  }
})
