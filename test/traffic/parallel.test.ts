import { Body } from '../../host/exchange/body.ts'
import { Exchange } from '../../host/exchange/exchange.ts'
import { promised } from '../../host/exchange/late.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import type { Filter } from '../../host/filters/filter.ts'
import { silentLogger } from '../../host/observe/log.ts'
import { compileFlow, type FlowNodeSpec } from '../../host/traffic/flow.ts'
import { ParallelNode } from '../../host/traffic/parallel.ts'
import { PipelineRunner } from '../../host/traffic/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('traffic/parallel')

type Steps = Record<string, Filter['handle']>

async function run(
  flow: readonly FlowNodeSpec[],
  steps: Steps,
  isTimed = false,
): Promise<{ ran: string[]; exchange: Exchange; isSync: boolean }> {
  const ran: string[] = []
  const filters = new Map<string, Filter>()
  for (const [name, step] of Object.entries(steps)) {
    filters.set(name, {
      handle(scope) {
        ran.push(`${name}@${scope.namespace}`)
        return step(scope)
      },
    })
  }
  const log = silentLogger()
  const nodes = compileFlow(flow, filters, (label, all) => new ParallelNode(label, all, log))
  const exchange = new Exchange(makeRequest({}), 's', 0)
  exchange.isTimed = isTimed
  const pending = new PipelineRunner('p', nodes, log).run(exchange)
  await promised(pending)
  return { ran, exchange, isSync: pending === undefined }
}

const on = (): undefined => undefined
const reply: Filter['handle'] = (scope) => {
  scope.response = Response.text(200, scope.namespace)
  return undefined
}

test('a node works in its namespace, which holds what is put there', async () => {
  const flow = [
    { filter: 'reply', namespace: 'a' },
    { filter: 'look', namespace: 'a' },
    { filter: 'look' },
  ]
  const seen: (string | undefined)[] = []
  const { exchange, ran } = await run(flow, {
    reply,
    look(scope) {
      seen.push(scope.response?.body.whole().toString())
      return undefined
    },
  })
  assert.equal(ran, ['reply@a', 'look@a', 'look@DEFAULT'])
  assert.equal(seen, ['a', undefined])
  assert.is(exchange.response?.status, 503)
})

test('a request that nobody has made is a failure that names the namespace', async () => {
  const flow = [{ filter: 'use', namespace: 'empty' }]
  const { exchange } = await run(flow, { use: (scope) => void scope.request.method as undefined })
  assert.is(exchange.response?.status, 503)
  assert.equal(exchange.tags, ['use(failed)'])
})

test('branches run at the same time and the flow goes on when all have ended', async () => {
  const started: string[] = []
  let openGate = (): void => undefined
  const gate = new Promise<undefined>((resolve) => {
    openGate = () => resolve(undefined)
  })
  const wait: Filter['handle'] = (scope) => {
    started.push(scope.namespace)
    // The last one to start lets all go on: one after another they would wait for ever.
    if (started.length === 3) openGate()
    return gate
  }
  const branch = (namespace: string): FlowNodeSpec[] => [{ filter: 'wait', namespace }]
  const flow = [{ parallel: [branch('a'), branch('b'), [{ filter: 'wait' }]] }, { filter: 'reply' }]
  const { ran, exchange, isSync } = await run(flow, { wait, reply })
  assert.equal(started, ['a', 'b', 'DEFAULT'])
  assert.is(ran.at(-1), 'reply@DEFAULT')
  assert.is(exchange.response?.status, 200)
  assert.not(isSync)
})

test('branches that wait for nothing keep the flow synchronous', async () => {
  const flow = [{ parallel: [[{ filter: 'on', namespace: 'a' }], [{ filter: 'on' }]] }]
  const { isSync } = await run(flow, { on })
  assert.ok(isSync)
})

test('END in a branch ends the branch; another result ends the flow unless it is mapped', async () => {
  const branches = [
    [{ filter: 'on', namespace: 'a' }, { filter: 'END' }, { filter: 'never', namespace: 'a' }],
    [
      { filter: 'bad', namespace: 'b', jumpIf: { bad: 'END' } },
      { filter: 'never', namespace: 'b' },
    ],
  ]
  const steps = { on, bad: () => 'bad', never: on, reply }
  const fine = await run([{ parallel: branches }, { filter: 'reply' }], steps)
  assert.equal(fine.ran, ['on@a', 'bad@b', 'reply@DEFAULT'])

  const failing = [[{ filter: 'bad', namespace: 'a' }], [{ filter: 'on', namespace: 'b' }]]
  const stopped = await run([{ parallel: failing }, { filter: 'reply' }], steps)
  assert.equal(stopped.ran, ['bad@a', 'on@b'])
  const mapped = await run(
    [
      { parallel: failing, jumpIf: { branchFailed: 'second' } },
      { filter: 'never' },
      { filter: 'reply', alias: 'second' },
    ],
    steps,
  )
  assert.equal(mapped.ran, ['bad@a', 'on@b', 'reply@DEFAULT'])
})

test('a branch jumps inside itself', async () => {
  const branch = [
    { filter: 'bad', namespace: 'a', jumpIf: { bad: 'after' } },
    { filter: 'never', namespace: 'a' },
    { filter: 'on', alias: 'after', namespace: 'a' },
  ]
  const { ran } = await run([{ parallel: [branch] }], { bad: () => 'bad', never: on, on })
  assert.equal(ran, ['bad@a', 'on@a'])
})

test('a branch that throws loses its own response only, and the others are waited for', async () => {
  const order: string[] = []
  const flow = [
    {
      parallel: [
        [{ filter: 'throws', namespace: 'a' }],
        [{ filter: 'later', namespace: 'b' }],
        [{ filter: 'reply' }],
      ],
      jumpIf: { branchFailed: 'last' },
    },
    { filter: 'last' },
  ]
  const { exchange } = await run(flow, {
    throws() {
      throw new Error('broken')
    },
    later: () =>
      new Promise((resolve) => {
        setTimeout(() => {
          order.push('later')
          resolve(undefined)
        }, 5)
      }),
    reply,
    last() {
      order.push('last')
      return undefined
    },
  })
  assert.equal(order, ['later', 'last'])
  assert.is(exchange.response?.status, 200)
})

test('the access log gets the steps with their results and times, and only when it is on', async () => {
  const flow = [
    { filter: 'on' },
    {
      parallel: [[{ filter: 'on', namespace: 'a' }], [{ filter: 'bad', namespace: 'b' }]],
      alias: 'calls',
    },
  ]
  const steps = { on, bad: () => 'bad' }
  const timed = await run(flow, steps, true)
  const text = (timed.exchange.tags ?? []).join(' | ').replace(/[\d.]+(?:µs|ms|s)/g, 'T')
  assert.is(text, 'calls: on(T) & bad(bad,T) | pipeline(p): on(T)->calls(branchFailed,T)')
  const plain = await run(flow, steps)
  assert.is(plain.exchange.tags, null)
})

test('what nobody reads of a namespace is given up when the exchange ends', async () => {
  const { exchange } = await run([{ filter: 'reply', namespace: 'a' }], { reply })
  const scope = exchange.scope('a')
  let cancelled = 0
  const source = {
    resume: () => undefined,
    pause: () => undefined,
    cancel() {
      cancelled += 1
    },
  }
  scope.response = new Response(200, undefined, Body.stream(source))
  exchange.finish({ status: 200, durationMs: 1, sentBytes: 0, isComplete: true })
  assert.is(cancelled, 1)
})
