import { json, Request, Result, reply } from '@penstock/sdk'

/** What is answered in place of the shop. */
@final
export class Page {
  status: i32
  /** One word for programs. */
  state: string
  title: string
  text: string
  /** Seconds after which the page asks again; 0 for never. */
  again: i64

  constructor(status: i32, state: string, title: string, text: string, again: i64) {
    this.status = status
    this.state = state
    this.title = title
    this.text = text
    this.again = again
  }

  /** As HTML for browsers, as JSON for who asks for that. Nothing may keep it: it is true for a moment. */
  answer(request: Request): Result {
    const accept = request.headers.get('accept')
    const isJson = accept !== null && accept.includes('json') && !accept.includes('text/html')
    const answer = reply(this.status, isJson ? this.asJson() : this.asHtml())
    answer.header('content-type', isJson ? 'application/json' : 'text/html; charset=utf-8')
    answer.header('cache-control', 'no-store').header('vary', 'Accept')
    if (this.again > 0) answer.header('retry-after', this.again)
    return answer
  }

  private asJson(): string {
    const body = json.object().set('state', this.state).set('message', this.text)
    if (this.again > 0) body.set('retryAfter', this.again)
    return body.toString()
  }

  private asHtml(): string {
    const refresh = this.again > 0 ? `<meta http-equiv="refresh" content="${this.again}">` : ''
    const title = escaped(this.title)
    return `<!doctype html><html lang="en"><head><meta charset="utf-8">${refresh}<title>${title}</title></head><body><h1>${title}</h1><p>${escaped(this.text)}</p></body></html>\n`
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
