import {
  Filter,
  hash,
  hex,
  next,
  now,
  parameters,
  Request,
  Result,
  refuse,
  reply,
  result,
  Text,
  tag,
} from '@penstock/sdk'
import { fullAt, Taken, take } from './bucket.ts'

/** Characters of a client's name that stand in a key as they are; a longer one is hashed. */
const MAX_NAME: i32 = 64

/** Lets each client ask `rate` times a second, and `burst` times at once. */
export class TokenBucket extends Filter {
  /** Requests a second that each client may make on average. */
  private rate: f64 = parameters.number('rate', 10)
  /** Requests a client may make at once after a pause. */
  private burst: i32 = parameters.integer('burst', 20)
  /** The header that tells clients apart; empty for the client's address. */
  private by: string = parameters.text('by', '')
  /** Tells limits apart that are kept for the same clients. */
  private name: string = parameters.text('name', 'default')
  /** Requests of each method in capitals cost this many tokens, one "POST: 5" a line; others cost 1. */
  private costText: string = parameters.text('costs', '')
  /** What becomes of requests while the limit cannot be asked: refuse, or allow. */
  private whenUnavailable: string = parameters.text('whenUnavailable', 'refuse')
  /** Give the result "limited" in place of an answer. */
  private hasResult: bool = parameters.flag('result', false)
  private costs: Map<string, i32> = new Map<string, i32>()
  /** What one token, and the whole bucket, take to come back; microseconds. */
  private perToken: i64 = 0
  private depth: i64 = 0
  private policy: string = ''

  constructor() {
    super()
    if (!(this.rate > 0 && this.rate <= 1_000_000)) refuse('rate: more than 0, at most 1,000,000')
    if (this.burst < 1 || this.burst > 1_000_000) refuse('burst: 1 to 1,000,000')
    if (this.name == '' || this.name.length > 64 || !isAscii(Text.utf8(this.name))) {
      refuse('name: 1 to 64 visible characters of ASCII')
    }
    if (this.whenUnavailable != 'refuse' && this.whenUnavailable != 'allow') {
      refuse(`whenUnavailable: "${this.whenUnavailable}" is neither refuse nor allow`)
    }
    if (this.rate > 0) this.perToken = max<i64>(<i64>(1_000_000.0 / this.rate), 1)
    this.depth = this.perToken * <i64>this.burst
    const seconds = (this.depth + 999_999) / 1_000_000
    this.policy = `"${this.name}";q=${this.burst};w=${seconds}`
    this.readCosts()
  }

  onRequest(request: Request): Result {
    const cost = this.costOf(request.method)
    if (cost == 0) return next
    const at = now() * 1000
    const taken = take(this.keyOf(request), at, this.perToken * <i64>cost, this.depth)
    if (taken == Taken.Yes) return next
    if (taken == Taken.No) {
      // Until there are enough tokens again.
      const wait = fullAt + this.perToken * <i64>cost - this.depth - at
      return this.limited((wait + 999_999) / 1_000_000)
    }
    tag(`token-bucket: ${reasonOf(taken)}`)
    if (this.whenUnavailable == 'allow') return next
    return taken == Taken.Contended ? this.limited(1) : unavailable()
  }

  /** RFC 6585, and RateLimit of the HTTP working group's draft in its structured form. */
  private limited(seconds: i64): Result {
    if (this.hasResult) return result('limited')
    return reply(429, 'too many requests\n')
      .header('retry-after', max<i64>(seconds, 1))
      .header('ratelimit-policy', this.policy)
      .header('ratelimit', `"${this.name}";r=0;t=${max<i64>(seconds, 1)}`)
      .header('cache-control', 'no-store')
  }

  private keyOf(request: Request): string {
    const client = this.clientOf(request)
    const isShort = client.length <= MAX_NAME && isAscii(client)
    const text = isShort ? client.toString() : hex.encode(hash.sha256(client))
    return `${this.name}:${text}`
  }

  /** Requests without the header share one bucket: leaving it out must not be a way around. */
  private clientOf(request: Request): Text {
    if (this.by == '') return request.clientAddress
    const value = request.headers.get(this.by)
    return value === null ? Text.of('') : value
  }

  private costOf(method: string): i32 {
    if (this.costs.size == 0) return 1
    return this.costs.has(method) ? this.costs.get(method) : 1
  }

  private readCosts(): void {
    const lines = this.costText.split('\n')
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i].trim()
      if (line == '' || line.startsWith('#')) continue
      const colon = line.indexOf(':')
      const method = line.slice(0, max(colon, 0)).trim()
      const cost = Text.utf8(line.slice(colon + 1).trim()).toInteger(-1)
      if (method == '' || cost < 0 || cost > <i64>this.burst) {
        refuse(`costs: "${line}" is not "METHOD: 0 to burst"`)
      } else {
        this.costs.set(method, <i32>cost)
      }
    }
  }
}

function unavailable(): Result {
  return reply(503, 'try again in a moment\n')
    .header('retry-after', 1)
    .header('cache-control', 'no-store')
}

function reasonOf(taken: Taken): string {
  if (taken == Taken.Contended) return 'contended'
  return taken == Taken.Full ? 'full' : 'unavailable'
}

function isAscii(text: Text): bool {
  for (let i = 0; i < text.length; i++) {
    const byte = text.byteAt(i)
    if (byte < 0x21 || byte > 0x7e) return false
  }
  return true
}
