import type { Response } from '../exchange/response.ts'
import { BodyView, HeaderView } from './message-view.ts'
import { GoObject, type Method, NO_FIELD, type Value } from './value.ts'

/** A response as Go's *http.Response, as far as templates use it. */
export class ResponseView extends GoObject {
  readonly typeName = '*http.Response'
  readonly #response: Response
  readonly #body: BodyView
  #header: HeaderView | null = null

  constructor(response: Response, namespace: string) {
    super()
    this.#response = response
    this.#body = new BodyView(response.body, `the response in ${namespace}`)
  }

  override field(name: string): Value | typeof NO_FIELD {
    const { status, body, headers } = this.#response
    switch (name) {
      case 'StatusCode':
        return BigInt(status)
      case 'Status':
        return String(status)
      case 'Header':
        this.#header ??= new HeaderView(headers)
        return this.#header
      case 'ContentLength':
        return BigInt(body.isWhole ? body.whole().length : body.announcedLength)
      default:
        return NO_FIELD
    }
  }

  override method(name: string): Method | undefined {
    return this.#body.method(name)
  }
}
