import { Exchange } from '../../host/exchange/exchange.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import type { Endpoint } from '../../host/upstream/endpoint.ts'
import { EndpointState } from '../../host/upstream/endpoint-state.ts'

/** An endpoint that is only chosen, never asked. */
export function fakeEndpoint(url: string, weight = 1): Endpoint {
  return {
    url,
    origin: url,
    basePath: '',
    host: null,
    weight,
    client: {
      value: {
        send: (asker) => asker.onFailure(new Error('not asked')),
        close: () => Promise.resolve(),
      },
      release: () => undefined,
    },
    state: new EndpointState(),
  }
}

export function fakeEndpoints(count: number, weight = 1): Endpoint[] {
  return Array.from({ length: count }, (_, i) => fakeEndpoint(`http://10.0.0.${i + 1}:80`, weight))
}

/** An exchange with the request that `init` describes. */
export function exchangeOf(init: Parameters<typeof makeRequest>[0] = {}): Exchange {
  return new Exchange(makeRequest(init), 'server', 0)
}

/** How often each endpoint is chosen. */
export function countChoices(
  times: number,
  choose: (turn: number) => Endpoint | undefined,
): Map<Endpoint | undefined, number> {
  const counts = new Map<Endpoint | undefined, number>()
  for (let turn = 0; turn < times; turn++) {
    const chosen = choose(turn)
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
  }
  return counts
}

/** Seeded numbers from 0 up to, not including, 1. */
export function seeded(next: () => number): () => number {
  return () => next() / 2 ** 32
}
