import type { HttpEngine } from '../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../host/http/engines.ts'
import { assert, type Suite, suite } from '../support/suite.ts'
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

/**
 * Tests that every engine must pass: what the answer registers runs once for each engine, in a suite of its own,
 * one suite after the other. `prepare` gives a suite its hooks.
 */
export function engineSuites(
  name: string,
  prepare: (one: Suite, engine: HttpEngine) => void,
): Register {
  const suites = HTTP_ENGINES.map((engine) => {
    const one = suite(`${name}, ${engine.name}`)
    prepare(one, engine)
    return one
  })
  return (title, body) => {
    for (const one of suites) one(title, body)
  }
}
