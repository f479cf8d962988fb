import { writeBody } from './body.ts'
import { Headers } from './headers.ts'
import { refused } from './host-error.ts'
import { Outcome, readOutcome } from './outcome.ts'
import { status_get, status_set } from './penstock_v1.ts'
import { Request } from './request.ts'
import { SetCookie } from './set-cookie.ts'

/**
 * The response on its way to the client. In `onResponse` it can be changed, in `onDone` only read.
 *
 *     onResponse(response: Response): void {
 *       if (response.status >= 500) response.headers.set('retry-after', 5)
 *     }
 */
@final
export class Response {
  /**
   * The header fields.
   *
   *     response.headers.remove('server')
   */
  readonly headers: Headers = new Headers(1)

  /**
   * The request this answers; it can be read, not changed.
   *
   *     if (response.request.path.startsWith('/api/')) response.headers.set('cache-control', 'no-store')
   */
  readonly request: Request

  /** Made by the SDK: name it as the first parameter of `onResponse`. */
  constructor(request: Request) {
    this.request = request
  }

  /**
   * The status, 200 to 599.
   *
   *     if (response.status == 404) response.status = 410
   */
  get status(): i32 {
    const status = status_get()
    if (status < 0) refused(status, 'the status')
    return status
  }

  set status(value: i32) {
    const code = status_set(value)
    if (code < 0) refused(code, `the status ${value}`)
  }

  /**
   * How the exchange ended; only in `onDone`.
   *
   *     if (response.outcome.durationMs > 1_000) log.warn('slow')
   */
  get outcome(): Outcome {
    return readOutcome()
  }

  /**
   * Adds a cookie to the answer.
   *
   *     response.setCookie(new SetCookie('seen', '1').path('/').maxAge(3600))
   */
  setCookie(cookie: SetCookie): void {
    this.headers.add('set-cookie', cookie.toString())
  }

  /**
   * Replaces the body; a string is sent as UTF-8. `content-length` is the host's, `content-type` yours.
   *
   *     response.setBody('gone')
   */
  setBody<T>(value: T): void {
    writeBody<T>(1, value)
  }
}
