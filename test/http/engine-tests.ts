import { assert } from '../support/suite.ts'
import { NODE_DIFFERENCES } from './node-differences.ts'

/** What registers a test. */
export type Register = (title: string, body: () => void | Promise<void>) => void

/** Registers tests of an engine; those in which it differs must fail. */
export function testsOf(engine: string, test: Register): Register {
  if (engine !== 'node') return (title, body) => test(title, body)
  return (title, body) => {
    const reason = NODE_DIFFERENCES[title]
    if (reason === undefined) {
      test(title, body)
      return
    }
    test(`${title} (differs: ${reason})`, async () => {
      let isMet = true
      try {
        await body()
      } catch {
        isMet = false
      }
      assert.not.ok(isMet, 'a difference that is gone must leave the list')
    })
  }
}
