import { Body, Filter, Request } from '@penstock/sdk'

/** Reads the whole body, changes its first byte, and writes it all back. */
export class Rewrite extends Filter {
  onRequest(request: Request, body: Body): void {
    const bytes = body.bytes()
    if (bytes.length > 0) bytes[0] = 0x21
    request.setBody(bytes)
  }
}
