import { Exchange } from '../../host/exchange/exchange.ts'
import { promised } from '../../host/exchange/late.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import type { Filter } from '../../host/filters/filter.ts'
import { silentLogger } from '../../host/observe/log.ts'
import { compileFlow, type FlowNodeSpec } from '../../host/traffic/flow.ts'
import { PipelineRunner } from '../../host/traffic/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('traffic/pipeline')

type Steps = Record<
  string,
  (exchange: Exchange) => string | undefined | Promise<string | undefined>
>

/** Runs a flow of filters that note their names, and says which ran and what came out. */
async function run(
  flow: readonly FlowNodeSpec[],
  steps: Steps,
): Promise<{ ran: string[]; exchange: Exchange; isSync: boolean }> {
  const ran: string[] = []
  const filters = new Map<string, Filter>()
  for (const [name, step] of Object.entries(steps)) {
    filters.set(name, {
      handle(scope) {
        ran.push(name)
        return step(scope.exchange)
      },
    })
  }
  const exchange = new Exchange(makeRequest({}), 's', 0)
  const runner = new PipelineRunner('p', compileFlow(flow, filters), silentLogger())
  const pending = runner.run(exchange)
  await promised(pending)
  return { ran, exchange, isSync: pending === undefined }
}

const on = (): undefined => undefined
const reply = (exchange: Exchange): undefined => {
  exchange.response = Response.text(200, 'ok')
  return undefined
}

test('an empty flow runs the filters in their order, without waiting', async () => {
  const { ran, isSync, exchange } = await run([], { a: on, b: on, c: reply })
  assert.equal(ran, ['a', 'b', 'c'])
  assert.ok(isSync)
  assert.is(exchange.response?.status, 200)
})

test('a result jumps forward to an alias', async () => {
  const flow = [
    { filter: 'a', jumpIf: { bad: 'second' } },
    { filter: 'b' },
    { filter: 'c', alias: 'second' },
  ]
  const { ran } = await run(flow, { a: () => 'bad', b: on, c: reply })
  assert.equal(ran, ['a', 'c'])
})

test('a result without a jump ends the flow', async () => {
  const { ran, exchange } = await run([{ filter: 'a' }, { filter: 'b' }], { a: () => 'bad', b: on })
  assert.equal(ran, ['a'])
  assert.is(exchange.response?.status, 503)
})

test('END as a target and as a node ends the flow', async () => {
  const first = await run([{ filter: 'a', jumpIf: { x: 'END' } }, { filter: 'b' }], {
    a: () => 'x',
    b: on,
  })
  assert.equal(first.ran, ['a'])
  const second = await run([{ filter: 'a' }, { filter: 'END' }, { filter: 'b' }], { a: on, b: on })
  assert.equal(second.ran, ['a'])
})

test('the empty result can jump too', async () => {
  const flow = [{ filter: 'a', jumpIf: { '': 'c' } }, { filter: 'b' }, { filter: 'c' }]
  const { ran } = await run(flow, { a: on, b: on, c: reply })
  assert.equal(ran, ['a', 'c'])
})

test('goes on after a promise, and the flow does not care which is which', async () => {
  const later = (): Promise<undefined> => Promise.resolve(undefined)
  const { ran, isSync } = await run([], { a: later, b: on, c: later, d: reply })
  assert.equal(ran, ['a', 'b', 'c', 'd'])
  assert.not(isSync)
})

test('a flow without a response answers 503 with the request id and no internals', async () => {
  const { exchange } = await run([], { a: on })
  assert.is(exchange.response?.status, 503)
  assert.is(exchange.response?.headers.get('x-request-id'), exchange.id)
  assert.ok(exchange.response?.body.whole().toString().includes(exchange.id))
})

test('a filter that throws, now or later, becomes a 503 and is not shown to the client', async () => {
  const failing: Steps[] = [
    {
      a: () => {
        throw new Error('secret')
      },
    },
    { a: () => Promise.reject(new Error('secret')) },
  ]
  for (const steps of failing) {
    const { exchange } = await run([], steps)
    assert.is(exchange.response?.status, 503)
    assert.not(exchange.response?.body.whole().toString().includes('secret'))
  }
})

test('owed phases run in reverse when the flow has ended, also after a failure', async () => {
  const order: string[] = []
  const owing =
    (name: string) =>
    (exchange: Exchange): undefined => {
      exchange.owe({ run: () => void order.push(`${name} ${exchange.response?.status}`) })
      return undefined
    }
  await run([], { a: owing('a'), b: owing('b'), c: reply })
  assert.equal(order, ['b 200', 'a 200'])
  order.length = 0
  await run([], { a: owing('a'), b: () => 'bad' })
  assert.equal(order, ['a 503'])
})

test('an owed phase that takes the response away leaves a 503', async () => {
  const { exchange } = await run([], {
    a: (one) => {
      one.owe({
        run: (late) => {
          late.response = null
        },
      })
      return reply(one)
    },
  })
  assert.is(exchange.response?.status, 503)
})
