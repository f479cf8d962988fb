import {
  Body,
  Filter,
  Headers,
  hex,
  json,
  next,
  Pattern,
  parameters,
  Request,
  Response,
  Result,
  refuse,
  reply,
  Text,
  tag,
} from '@penstock/sdk'
import { Detector } from './detector.ts'
import { Paths } from './paths.ts'
import { Redactor } from './redactor.ts'

/** Bytes of a key below which hashes of short values could be tried out. */
const KEY_BYTES: i32 = 16

/** Takes personal data out of JSON bodies. */
export class Redact extends Filter {
  /** Where it stands, one path a line: "user.email", "**.password => remove". */
  private pathText: string = parameters.text('paths', '')
  /** What it looks like, anywhere: jwt, email, iban, card, phone, ipv4, separated by commas. */
  private kinds: string = parameters.text('kinds', '')
  /** Patterns such as "acct-*" for whole values, one a line. */
  private values: string = parameters.text('values', '')
  /** What stands in its place; "{kind}" becomes the kind that was found. */
  private mask: string = parameters.text('mask', '[{kind}]')
  /** The key of "=> hash", in hex. */
  private keyHex: string = parameters.text('key', '')
  /** Which bodies: response, request or both. */
  private where: string = parameters.text('in', 'response')
  /** Media types that are JSON, separated by commas; "*" stands for anything but "/". */
  private types: Pattern[] = patternsOf(
    parameters.text('types', 'application/json, application/*+json'),
  )
  /** What becomes of JSON that cannot be read: refuse, or pass. */
  private unreadable: string = parameters.text('unreadable', 'refuse')
  private redactor: Redactor = new Redactor(new Paths(''), new Detector('', '', ''), Text.of(''))

  constructor() {
    super()
    const paths = new Paths(this.pathText)
    const detector = new Detector(this.kinds, this.values, this.mask)
    const key = hex.decode(this.keyHex)
    if (key === null) refuse('key: it is not written in hex')
    else this.redactor = new Redactor(paths, detector, key)
    if (paths.hasHash() && (key === null || key.length < KEY_BYTES)) {
      refuse(`key: "=> hash" needs one of at least ${KEY_BYTES} bytes`)
    }
    if (paths.length == 0 && !detector.canFind) {
      refuse('paths, kinds or values: one of them must say what is taken out')
    }
    if (!['response', 'request', 'both'].includes(this.where)) {
      refuse(`in: "${this.where}" is none of response, request, both`)
    }
    if (!['refuse', 'pass'].includes(this.unreadable)) {
      refuse(`unreadable: "${this.unreadable}" is neither refuse nor pass`)
    }
  }

  onRequest(request: Request, body: Body): Result {
    if (this.where != 'request') request.headers.set('accept-encoding', 'identity')
    if (this.where == 'response' || body.length == 0 || !this.isJson(request.headers)) return next
    const changed = isPlain(request.headers) ? this.redacted(body.content()) : null
    if (changed === null) {
      if (this.unreadable == 'pass') return next
      return reply(400, '{"error":"the body is not JSON that can be read"}\n').header(
        'content-type',
        'application/json',
      )
    }
    if (this.redactor.count > 0) {
      request.setBody(changed)
      forget(request.headers)
      tag(`redacted ${this.redactor.count} in the request`)
    }
    return next
  }

  onResponse(response: Response, body: Body): void {
    if (this.where == 'request' || body.length == 0 || !this.isJson(response.headers)) return
    const isWhole = response.status != 206 && isPlain(response.headers)
    const changed = isWhole ? this.redacted(body.content()) : null
    if (changed === null) {
      if (this.unreadable == 'refuse') this.refuseResponse(response)
    } else if (this.redactor.count > 0) {
      response.setBody(changed)
      forget(response.headers)
      tag(`redacted ${this.redactor.count}`)
    }
  }

  /** The body without personal data; null when it cannot be read. */
  private redacted(content: Text): Text | null {
    const value = json.parse(content)
    if (value === null) return null
    const changed = this.redactor.redact(value)
    return this.redactor.count > 0 ? changed.toText() : content
  }

  /** What may hold anything must not reach the client. */
  private refuseResponse(response: Response): void {
    response.status = 502
    response.setBody('{"error":"the answer is not JSON that can be read"}\n')
    forget(response.headers)
    response.headers.remove('content-encoding')
    response.headers.remove('content-range')
    response.headers.set('content-type', 'application/json')
    response.headers.set('cache-control', 'no-store')
    tag('redact: unreadable')
  }

  private isJson(headers: Headers): bool {
    const type = headers.get('content-type')
    if (type === null) return false
    const name = type.split(';', 2)[0].trim().toLowerCase()
    for (let i = 0; i < this.types.length; i++) {
      if (this.types[i].matches(name)) return true
    }
    return false
  }
}

/** UTF-8 that is not compressed. */
function isPlain(headers: Headers): bool {
  const encoding = headers.get('content-encoding')
  if (encoding !== null && !encoding.equalsIgnoreCase('identity')) return false
  const type = headers.get('content-type')
  if (type === null) return true
  const lower = type.toLowerCase()
  return !lower.includes('charset') || lower.includes('utf-8')
}

/** They speak of the bytes that were; content-length is written by the gateway. */
function forget(headers: Headers): void {
  headers.remove('etag')
  headers.remove('content-md5')
  headers.remove('content-digest')
  headers.remove('repr-digest')
  headers.remove('accept-ranges')
}

function patternsOf(text: string): Pattern[] {
  const found = new Array<Pattern>()
  const parts = text.split(',')
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i].trim().toLowerCase()
    if (part != '') found.push(new Pattern(part))
  }
  if (found.length == 0) refuse('types: there is none')
  return found
}
