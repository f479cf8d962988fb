import { Body, ctx, Filter, Request, Response, Text } from '@penstock/sdk'

let kept: Text = Text.of('')
let earlier: Text[] = []

/** Allocates what a filter may allocate, and keeps a value beyond its request, as nobody should. */
export class Memory extends Filter {
  onRequest(request: Request): void {
    const headers = request.headers
    const value = headers.get('x-value')
    if (value === null) return
    // What was kept must still be what it was, however much was read since.
    headers.set('x-kept', kept)
    if (earlier.length > 0) headers.set('x-first', earlier[0])
    if (earlier.length < 10) earlier.push(value)
    kept = value
    const parts = value.split('-')
    let text = ''
    for (let i = 0; i < parts.length; i++) text = `${text}${parts[i]}`
    headers.set(`x-${parts[0]}`, text)
    ctx.put('value', value)
  }

  onResponse(response: Response, body: Body): void {
    response.setBody(body.text().toUpperCase())
  }
}
