import { byteLength, capacity, encodeLatin1, reserve, scratch, utf8Bytes } from './buffer.ts'
import { DENIED, INVALID, refused, TIMED_OUT } from './host-error.ts'
import { answer_get, answer_head, answer_size, http_call } from './penstock_v1.ts'
import { allocate, copy, Text } from './text.ts'

/*
 * Calls of other services. The filter waits for the answer, the thread does not: it serves other requests
 * meanwhile, and waiting is no running time. The hosts must be in the filter's `grant`. At most 16 calls in
 * one phase, one after another; 1 MiB each way; redirections are not followed.
 */

/**
 * Asks for a URL and waits for the answer.
 *
 *     const answer = http.get('https://flags.example.com/v1/beta')
 *     if (answer.isOk && answer.text() == 'on') request.headers.set('x-beta', '1')
 */
export function get(url: string): Answer {
  return new Call('GET', url).send()
}

/**
 * Sends a string, a Text or bytes and waits for the answer.
 *
 *     const answer = http.post('https://audit.example.com/events', json.object().toText())
 */
export function post<T>(url: string, body: T): Answer {
  return new Call('POST', url).send(body)
}

/**
 * A call with more to say.
 *
 *     const answer = http
 *       .call('PUT', `https://api.example.com/users/${id}`)
 *       .header('authorization', `Bearer ${this.token}`)
 *       .timeout(800)
 *       .send(body.content())
 */
export function call(method: string, url: string): Call {
  return new Call(method, url)
}

/** A call that is not sent yet. */
@final
export class Call {
  private head: string
  private ms: i32 = 0

  /** Made by `http.call`. */
  constructor(method: string, url: string) {
    this.head = `${method} ${url}`
  }

  /** One more header field. A value with a line end ends the call of the filter. */
  header<T>(name: string, value: T): Call {
    const text = value.toString()
    if (text.includes('\n') || name.includes('\n')) {
      throw new Error(`header "${name}": against the HTTP grammar`)
    }
    this.head += `\n${name}: ${text}`
    return this
  }

  /** For the whole call, in milliseconds: 5,000 without it, 30,000 at most. */
  timeout(ms: i32): Call {
    this.ms = ms
    return this
  }

  /** Sends it, with a body of a string, a Text or bytes, and waits for the answer. */
  send<T = string>(body: T = changetype<T>('')): Answer {
    // Apart from `scratch`, which the body takes.
    const bytes = utf8Bytes<T>(body)
    const length = byteLength
    const kept = bytes == scratch ? changetype<usize>(copy(bytes, length)) : bytes
    const head = encodeLatin1(this.head)
    const code = http_call(head, byteLength, kept, length, <f64>this.ms)
    if (code == DENIED) throw new Error(`http: ${reason('not granted')}`)
    if (code == INVALID) throw new Error(`http: ${reason('against the HTTP grammar')}`)
    return new Answer(code)
  }
}

/** What came of a call. */
@final
export class Answer {
  /** 100 to 599; 0 when there is no answer. */
  readonly status: i32
  /** Why there is no answer; "" when there is one. */
  readonly failure: string
  /** No answer in time: whether the other side has done something is not known. */
  readonly isTimedOut: bool
  private head: Text
  private content: Text

  /** Made by the SDK. */
  constructor(code: i32) {
    this.status = max(code, 0)
    this.isTimedOut = code == TIMED_OUT
    this.failure = code < 0 ? reason('no answer') : ''
    this.head = code < 0 ? allocate(0) : readHead()
    this.content = code < 0 ? allocate(0) : readContent()
  }

  /** A status from 200 to 299. */
  get isOk(): bool {
    return this.status >= 200 && this.status <= 299
  }

  /**
   * The first value of a header, or null.
   *
   *     const type = answer.header('content-type')
   */
  header(name: string): Text | null {
    const lines = this.head.split('\n')
    const start = `${name.toLowerCase()}:`
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]
      if (line.toLowerCase().startsWith(start)) return line.slice(start.length).trim()
    }
    return null
  }

  /** The body as a Text: its bytes. */
  body(): Text {
    return this.content
  }

  /** The body as a string, read as UTF-8. */
  text(): string {
    return this.content.toUtf8()
  }
}

/** What the host says about the last call. */
function reason(fallback: string): string {
  const text = readHead().toUtf8()
  return text.length == 0 ? fallback : text
}

function readHead(): Text {
  let length = answer_head(scratch, capacity)
  if (length > capacity) {
    reserve(length)
    length = answer_head(scratch, capacity)
  }
  return length <= 0 ? allocate(0) : copy(scratch, length)
}

/** The body of the last answer. */
export function readContent(): Text {
  const size = answer_size()
  if (size <= 0) return allocate(0)
  const made = allocate(size)
  const code = answer_get(0, changetype<usize>(made), size)
  if (code < 0) refused(code, 'the answer')
  return made
}

/** What the host says about a call that failed, for other kinds of calls. */
export function lastReason(fallback: string): string {
  return reason(fallback)
}
