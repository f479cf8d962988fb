import { IncomingMessage, ServerResponse } from '../node-http.ts'
import type { IncomingBody } from './incoming-body.ts'
import type { Transaction } from './transaction.ts'

/** What `IncomingMessage.headers` answers here: nothing that Node's server acts on. */
const NO_HEADERS: Readonly<Record<string, string | undefined>> = Object.freeze({})

/** Node's request, with who takes its body: listeners find that in `this`, so that none is a closure. */
export class GatewayRequest extends IncomingMessage {
  incoming: IncomingBody | null = null
}

// Node reads `headers` of every request to see Host and Expect, and builds an object of all fields for it:
// 2 us. Both are checked by `HeadCheck` on the raw list, more strictly. The base class declares a property,
// so an accessor cannot be written in the class body.
Object.defineProperty(GatewayRequest.prototype, 'headers', {
  configurable: true,
  get: () => NO_HEADERS,
})

/** Node's response, with the transaction it belongs to, for the same reason. */
export class GatewayResponse extends ServerResponse<GatewayRequest> {
  transaction: Transaction | null = null
}
