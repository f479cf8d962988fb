import { byteLength, release, utf8Bytes } from './buffer.ts'
import { Headers } from './headers.ts'
import { refused } from './host-error.ts'
import { reply as hostReply } from './penstock_v1.ts'

/**
 * What a phase answers, when its return type says so: `next`, a `result('name')` or a `reply`.
 *
 *     onRequest(request: Request): Result {
 *       return request.headers.has('cookie') ? next : result('anonymous')
 *     }
 */
export class Result {
  /** 0 to go on, else the number of the result's name in the description. */
  readonly index: i32

  /** Made by the SDK: use `next`, `result` and `reply`. */
  constructor(index: i32) {
    this.index = index
  }
}

/**
 * Go on with the next filter.
 *
 *     return next
 */
export const next: Result = new Result(0)

let names: string[] = []
let results: Result[] = []

/** The names of the description, in its order. Called once by the entry that `penstock build` makes. */
export function declareResults(declared: string[]): void {
  names = declared
  for (let i = 0; i < declared.length; i++) results.push(new Result(i + 1))
}

/**
 * Ends the filter with a result that `jumpIf` can lead somewhere; without a jump the pipeline ends. The
 * name is a literal: `penstock build` collects the names, so that a jump to a misspelled one is found
 * before any traffic.
 *
 *     if (isBot) return result('bot')
 */
export function result(name: string): Result {
  for (let i = 0; i < names.length; i++) {
    if (names[i] == name) return results[i]
  }
  throw new Error(`the result "${name}" was not collected: write it as a literal`)
}

/**
 * An answer that the filter gives itself. Its headers and status can be changed until the phase returns.
 *
 *     return reply(401, 'who are you?').header('www-authenticate', 'Bearer')
 */
@final
export class Reply extends Result {
  /**
   * The header fields of the answer.
   *
   *     answer.headers.set('retry-after', 30)
   */
  readonly headers: Headers = new Headers(1)

  /**
   * Sets a header and returns the reply.
   *
   *     return reply(302, '').header('location', '/login')
   */
  header<T>(name: string, value: T): Reply {
    this.headers.set<T>(name, value)
    return this
  }
}

const answer = new Reply(0)

/**
 * Answers the request from here: no later filter and no upstream sees it. `onRequest` only. A string
 * becomes UTF-8 with `content-type: text/plain`, which `header` can change; a Text or bytes are sent as
 * they are, without a type.
 *
 *     return reply(403, '{"error":"closed"}').header('content-type', 'application/json')
 */
export function reply<T>(status: i32, body: T): Reply {
  const bytes = utf8Bytes<T>(body)
  const isText = isString<T>() && byteLength > 0
  const code = hostReply(status, bytes, byteLength)
  release()
  if (code < 0) refused(code, `reply ${status}`)
  if (isText) answer.headers.set('content-type', 'text/plain; charset=utf-8')
  return answer
}
