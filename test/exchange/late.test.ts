import { Late, type LateWaiter, promised } from '../../host/exchange/late.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('exchange/late')

class Answer extends Late<string> {
  come(value: string): void {
    this.settle(value)
  }

  break(error: Error): void {
    this.fail(error)
  }
}

function notes(): { readonly seen: string[]; readonly waiter: LateWaiter<string> } {
  const seen: string[] = []
  return {
    seen,
    waiter: {
      onSettled: (value) => seen.push(value),
      onFailed: (error) => seen.push(`failed: ${(error as Error).message}`),
    },
  }
}

test('who waits hears of the value within the call that brings it', () => {
  const { seen, waiter } = notes()
  const answer = new Answer()
  answer.wait(waiter)
  assert.equal(seen, [])
  answer.come('here')
  assert.equal(seen, ['here'])
})

test('who waits hears of a failure', () => {
  const { seen, waiter } = notes()
  const answer = new Answer()
  answer.wait(waiter)
  answer.break(new Error('no'))
  assert.equal(seen, ['failed: no'])
})

test('a value or a failure that came before somebody waited is kept', () => {
  const { seen, waiter } = notes()
  const early = new Answer()
  early.come('early')
  early.wait(waiter)
  const broken = new Answer()
  broken.break(new Error('early'))
  broken.wait(waiter)
  assert.equal(seen, ['early', 'failed: early'])
})

test('it becomes a promise for whoever wants one', async () => {
  const answer = new Answer()
  const promise = promised<string>(answer)
  answer.come('here')
  assert.is(await promise, 'here')
  const broken = new Answer()
  const rejected = (promised<string>(broken) as Promise<string>).catch((error: Error) => error)
  broken.break(new Error('no'))
  assert.is(((await rejected) as Error).message, 'no')
})

test('a value that is here, and a promise, stay what they are', () => {
  const promise = Promise.resolve('p')
  assert.is(promised<string>('v'), 'v')
  assert.is(promised<string>(promise), promise)
})
