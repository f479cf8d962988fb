import { IncomingMessage, ServerResponse } from 'node:http'
import type { Transaction } from './transaction.ts'

/** What `IncomingMessage.headers` answers here: nothing that Node's server acts on. */
const NO_HEADERS: Readonly<Record<string, string | undefined>> = Object.freeze({})

/**
 * Node's request, with the transaction it belongs to. Its listeners find it in `this`, so that no closure
 * is made per request.
 */
export class GatewayRequest extends IncomingMessage {
  transaction: Transaction | null = null
}

// Node reads `headers` of every request to see Host and Expect, and builds an object of all fields for it:
// 2 us. Both are checked by `HeadCheck` on the raw list, more strictly. The base class declares a property,
// so an accessor cannot be written in the class body.
Object.defineProperty(GatewayRequest.prototype, 'headers', {
  configurable: true,
  get: () => NO_HEADERS,
})

/** Node's response, with the transaction it belongs to. */
export class GatewayResponse extends ServerResponse<GatewayRequest> {
  transaction: Transaction | null = null
}
