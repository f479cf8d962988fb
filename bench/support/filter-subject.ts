import { Body } from '../../host/exchange/body.ts'
import { Exchange } from '../../host/exchange/exchange.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import type { FilterEnv } from '../../host/filters/env.ts'
import type { Filter } from '../../host/filters/filter.ts'
import type { HttpEngine } from '../../host/http/engine.ts'
import { silentLogger } from '../../host/observe/log.ts'
import { POLICY_KINDS, PolicySet, type PolicySpec } from '../../host/resilience/policies.ts'
import { fromData } from '../../host/template/value.ts'
import { RegistryHub } from '../../host/upstream/discovery/registry-hub.ts'
import { UsagePool } from '../../host/usage-pool.ts'
import { CANNED_ANSWER, COMMON_FIELDS, type FilterRow } from './filter-rows.ts'

/** A filter with the exchanges it is run on. */
export interface FilterSubject {
  readonly name: string
  readonly filter: Filter
  readonly result: string | undefined
  newExchange(): Exchange
}

/** Makes the filter of a row as a pipeline would. Upstreams and services answer without a socket. */
export async function openFilter(row: FilterRow): Promise<FilterSubject> {
  const kind = FILTER_KINDS.find((one) => one.kind === row.kind)
  if (kind === undefined) throw new RangeError(`there is no filter kind ${row.kind}`)
  const filter = await kind.create(kind.spec.parse(row.fields), environment())
  const { method = 'GET', path = '/bench', headers = [], body, response = null } = row
  const fields = [...COMMON_FIELDS, ...headers]
  const name = row.what === '' ? row.kind : `${row.kind}: ${row.what}`
  return {
    name,
    filter,
    result: row.result,
    newExchange: () => {
      const request = makeRequest({
        method,
        target: path,
        host: 'bench.example',
        headers: fields.slice(),
        body: body === undefined ? Body.none : Body.text(body),
      })
      const exchange = new Exchange(request, 'bench', 0)
      if (response !== null) {
        const { headers: list, body: text } = response
        exchange.response = new Response(200, new Headers(list.slice()), Body.text(text))
      }
      return exchange
    },
  }
}

function environment(): FilterEnv {
  const retry = POLICY_KINDS.find(({ kind }) => kind === 'Retry')
  const policies = [{ name: 'retry', kind: 'Retry', spec: retry?.spec.parse({}) }] as PolicySpec[]
  return {
    pipeline: 'bench',
    filter: 'subject',
    baseDir: '',
    log: silentLogger(),
    engine: CANNED_ENGINE,
    clients: new UsagePool(),
    registries: new RegistryHub(),
    policies: new PolicySet(policies),
    data: fromData({}) as FilterEnv['data'],
    isBoot: true,
    isEasegress: false,
    // No row runs a plugin.
    plugins: {} as FilterEnv['plugins'],
  }
}

const CANNED_ENGINE: HttpEngine = {
  name: 'canned',
  listen: () => Promise.reject(new Error('nobody listens here')),
  createClient: () => ({
    send: (asker) => asker.onAnswer(cannedAnswer()),
    close: () => Promise.resolve(),
  }),
}

function cannedAnswer(): Response {
  const headers = new Headers(['Content-Type', 'application/json'])
  return new Response(200, headers, Body.text(CANNED_ANSWER))
}
