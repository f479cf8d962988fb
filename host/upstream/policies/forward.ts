import type { Endpoint } from '../endpoint.ts'
import type { BalancePolicyKind } from './policy.ts'

/**
 * The endpoint a header names as `host:port`. It must be one of the pool: in Easegress the header leads
 * anywhere, so that whoever can set it reaches everything the gateway reaches.
 */
export const forward: BalancePolicyKind = {
  policy: 'forward',
  description: 'the endpoint of the pool that the header `forwardKey` names as host:port',
  isKeyed: true,
  isPinned: true,
  create(endpoints, { headerHashKey }) {
    const byAddress = new Map<string, Endpoint>()
    for (const endpoint of endpoints) byAddress.set(addressOf(endpoint.origin), endpoint)
    return {
      choose: ({ request }) => byAddress.get(request.headers.get(headerHashKey) ?? ''),
    }
  },
}

/** `host:port`, with the port that a URL leaves out. */
function addressOf(origin: string): string {
  const { hostname, port, protocol } = new URL(origin)
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}
