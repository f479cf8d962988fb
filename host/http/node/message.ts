import { IncomingMessage, ServerResponse } from 'node:http'
import { sameName } from '../../exchange/headers.ts'
import type { Transaction } from './transaction.ts'

/** What `IncomingMessage.headers` answers here: only what Node's server acts on, whether a body follows. */
const WITHOUT_BODY: Readonly<Record<string, string>> = Object.freeze({})
const WITH_BODY: Readonly<Record<string, string>> = Object.freeze({ 'content-length': '' })

/**
 * Node's request, with the transaction it belongs to. Its listeners find it in `this`, so that no closure
 * is made per request.
 */
export class GatewayRequest extends IncomingMessage {
  transaction: Transaction | null = null
}

// Node reads `headers` of every request to see Host, Expect and whether there is a body, and builds an
// object of all fields for it: 2 us. Host and Expect are checked by `HeadCheck` on the raw list, more
// strictly. The base class declares a property, so an accessor cannot be written in the class body.
Object.defineProperty(GatewayRequest.prototype, 'headers', {
  configurable: true,
  get(this: GatewayRequest) {
    return hasBody(this.rawHeaders) ? WITH_BODY : WITHOUT_BODY
  },
})

/** Is one of the framing fields there, valid or not? */
function hasBody(list: readonly string[]): boolean {
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (name.length === 14 && sameName(name, 'content-length')) return true
    if (name.length === 17 && sameName(name, 'transfer-encoding')) return true
  }
  return false
}

/** Node's response, with the transaction it belongs to. */
export class GatewayResponse extends ServerResponse<GatewayRequest> {
  transaction: Transaction | null = null
}
