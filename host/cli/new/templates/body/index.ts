import { Body, Filter, json, parameters, Request, Response } from '@penstock/sdk'

/** Takes fields out of JSON answers before they reach the client. */
export class MyFilter extends Filter {
  /** Names of the fields to take out, separated by commas. */
  private hidden: string[] = parameters.text('hide', 'password').split(',')

  onRequest(request: Request): void {
    // A compressed answer could not be read.
    request.headers.set('accept-encoding', 'identity')
  }

  onResponse(response: Response, body: Body): void {
    const type = response.headers.get('content-type')
    if (type === null || !type.startsWith('application/json')) return
    const value = json.parse(body.content())
    // Not JSON after all: it passes as it is.
    if (value === null) return
    let isChanged = false
    for (let i = 0; i < this.hidden.length; i++) {
      if (value.remove(this.hidden[i].trim())) isChanged = true
    }
    if (isChanged) response.setBody(value.toText())
  }
}
