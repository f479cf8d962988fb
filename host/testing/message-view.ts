import type { Request } from '../exchange/request.ts'
import type { Response } from '../exchange/response.ts'
import { HeaderList } from './header-list.ts'

const EMPTY = new Uint8Array()

/** The body of a message. */
class BodyView {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** A copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice()
  }

  /** Read as UTF-8. */
  text(): string {
    return new TextDecoder().decode(this.#bytes)
  }

  /** What the body says as JSON; throws what `JSON.parse` throws. */
  json(): unknown {
    return JSON.parse(this.text())
  }
}

/** A request as it was at one moment: later changes do not show. */
export class RequestView extends BodyView {
  readonly method: string
  readonly path: string
  /** Without "?"; "" for none. */
  readonly query: string
  readonly headers: HeaderList

  constructor(request: Request) {
    super(request.body.isWhole ? Uint8Array.from(request.body.whole()) : EMPTY)
    this.method = request.method
    this.path = request.path
    this.query = request.query
    this.headers = new HeaderList(request.headers)
  }
}

/** A response as it was at one moment. */
export class ResponseView extends BodyView {
  readonly status: number
  readonly headers: HeaderList

  constructor(response: Response) {
    super(response.body.isWhole ? Uint8Array.from(response.body.whole()) : EMPTY)
    this.status = response.status
    this.headers = new HeaderList(response.headers)
  }
}
