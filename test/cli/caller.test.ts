import { callerName } from '../../host/cli/caller.ts'
import { isGatewayError } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'
import { fakeIo } from './support.ts'

const test = suite('cli/caller')

/** Whom the command says it is run by. */
function nameOf(by: string | undefined, user?: string): string | null {
  const options = { text: () => by, list: () => [], flag: () => false }
  return callerName({ options, io: fakeIo(user === undefined ? {} : { user }) })
}

test('it is the login name unless another one is given', () => {
  assert.is(nameOf(undefined, 'anna'), 'anna')
  assert.is(nameOf('release-bot', 'anna'), 'release-bot')
})

test('a login name that is no name is left out, and so is one that is not there', () => {
  assert.is(nameOf(undefined, 'Änna'), null)
  assert.is(nameOf(undefined, 'x'.repeat(65)), null)
  assert.is(nameOf(undefined), null)
})

test('a given name that is none is refused', () => {
  for (const name of ['', 'two words', 'x'.repeat(65), 'a\r\nb: c']) {
    let error: unknown = null
    try {
      nameOf(name, 'anna')
    } catch (thrown) {
      error = thrown
    }
    assert.ok(isGatewayError(error, 'CLI_USAGE'), name)
  }
})
