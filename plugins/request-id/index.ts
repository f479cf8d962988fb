import { ctx, Filter, hash, hex, parameters, Request, Response, refuse, Text } from '@penstock/sdk'
import { parseTraceparent, Traceparent } from './traceparent.ts'

/** Bytes an id from outside may have. */
const MAX_ID_BYTES: i32 = 128

/** Gives every request an id and a place in a trace, and tells both to the upstream. */
export class RequestId extends Filter {
  /** The header that carries the id. */
  private header: string = parameters.text('header', 'x-request-id')
  /** Keep an id and a trace that the client brings; off for a gateway that strangers reach. */
  private isTrusting: bool = parameters.flag('trust', false)
  /** Tell the client the id in the same header of the answer. */
  private isAnswered: bool = parameters.flag('answer', true)
  /** Send a W3C traceparent on. */
  private isTraced: bool = parameters.flag('trace', true)
  /** Mark traces that begin here as sampled. */
  private isSampled: bool = parameters.flag('sampled', true)

  constructor() {
    super()
    if (this.header == '') refuse('header: it must have a name')
  }

  onRequest(request: Request): void {
    const id = this.idOf(request)
    request.headers.set(this.header, id)
    ctx.put('requestId', id)
    if (this.isTraced) this.trace(request)
  }

  onResponse(response: Response): void {
    if (!this.isAnswered) return
    const id = ctx.getText('requestId')
    if (id !== null) response.headers.set(this.header, id)
  }

  private idOf(request: Request): Text {
    if (this.isTrusting && request.headers.count(this.header) == 1) {
      const brought = request.headers.get(this.header)
      if (brought !== null && isId(brought)) return brought
    }
    return request.id
  }

  private trace(request: Request): void {
    const brought = this.isTrusting ? this.traceparentOf(request) : null
    // What the gateway calls the request is as unique as anything; a hash of it has the right form.
    const own = hex.encode(hash.sha256(request.id))
    const traceId = brought === null ? own.slice(0, 32) : brought.traceId
    const flags = brought === null ? (this.isSampled ? '01' : '00') : brought.flags
    // The state belongs to the trace it came with (W3C Trace Context, section 3.3).
    if (brought === null) request.headers.remove('tracestate')
    request.headers.set('traceparent', `00-${traceId}-${own.slice(32, 48)}-${flags}`)
    ctx.put('traceId', traceId)
  }

  private traceparentOf(request: Request): Traceparent | null {
    // Two of them say nothing: nobody knows which is right.
    if (request.headers.count('traceparent') != 1) return null
    const value = request.headers.get('traceparent')
    return value === null ? null : parseTraceparent(value)
  }
}

/** Letters, digits and `. _ -`: an id ends up in logs, where anything else could forge a line. */
function isId(text: Text): bool {
  const length = text.length
  for (let i = 0; i < length; i++) {
    const byte = text.byteAt(i)
    const isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
    const isOther = (byte >= 0x30 && byte <= 0x39) || byte == 0x2d || byte == 0x2e || byte == 0x5f
    if (!isLetter && !isOther) return false
  }
  return length > 0 && length <= MAX_ID_BYTES
}
