import type { Body } from '../exchange/body.ts'
import type { Request } from '../exchange/request.ts'
import type { Response } from '../exchange/response.ts'
import { BodyCapture, type Budget } from './body-capture.ts'
import type { RequestState, ResponseState } from './record.ts'

interface RequestSnapshot {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: readonly string[]
  readonly body: BodyCapture
}

interface ResponseSnapshot {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: BodyCapture
}

/** What stands for "no response". */
export const NO_STATE = -1

/**
 * The states that the request and the response of one exchange have been in. A look that finds nothing
 * changed answers with the state it found before, so a filter that changes nothing costs no memory.
 */
export class MessageStates {
  readonly #budget: Budget
  readonly #requests: RequestSnapshot[] = []
  readonly #responses: ResponseSnapshot[] = []
  /** Weak: a body can hold megabytes, and its exchange is long gone when somebody looks at the record. */
  readonly #captures = new WeakMap<Body, BodyCapture>()

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** The index of the state this request is in now. */
  ofRequest(request: Request): number {
    const { method, path, query } = request
    const headers = request.headers.list
    const body = this.#capture(request.body)
    const last = this.#requests.findLastIndex(
      (one) =>
        one.method === method &&
        one.path === path &&
        one.query === query &&
        one.body === body &&
        sameList(one.headers, headers),
    )
    if (last >= 0) return last
    const copy = this.#copy(headers)
    return this.#requests.push({ method, path, query, headers: copy, body }) - 1
  }

  /** The index of the state this response is in now; NO_STATE for null. */
  ofResponse(response: Response | null): number {
    if (response === null) return NO_STATE
    const { status } = response
    const headers = response.headers.list
    const body = this.#capture(response.body)
    const last = this.#responses.findLastIndex(
      (one) => one.status === status && one.body === body && sameList(one.headers, headers),
    )
    if (last >= 0) return last
    return this.#responses.push({ status, headers: this.#copy(headers), body }) - 1
  }

  requestAt(index: number): RequestSnapshot | undefined {
    return this.#requests[index]
  }

  requests(): RequestState[] {
    return this.#requests.map((one) => ({ ...one, body: one.body.toRecord() }))
  }

  responses(): ResponseState[] {
    return this.#responses.map((one) => ({ ...one, body: one.body.toRecord() }))
  }

  #capture(body: Body): BodyCapture {
    let capture = this.#captures.get(body)
    if (capture === undefined) {
      capture = new BodyCapture(body, this.#budget)
      this.#captures.set(body, capture)
    }
    return capture
  }

  #copy(list: readonly string[]): readonly string[] {
    let length = 0
    for (const text of list) length += text.length
    // Header fields are counted and kept in any case: engines bound their size.
    this.#budget.take(length)
    return list.slice()
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
