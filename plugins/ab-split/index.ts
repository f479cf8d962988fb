import {
  ctx,
  Filter,
  hash,
  next,
  parameters,
  Request,
  Response,
  Result,
  refuse,
  result,
  SetCookie,
  Text,
} from '@penstock/sdk'

/** Sends each visitor to one of up to four variants, and to the same one next time. */
export class AbSplit extends Filter {
  /** Percent of visitors that get variant b; the rest gets a. */
  private shareB: f64 = parameters.number('b', 0)
  /** Percent of visitors that get variant c. */
  private shareC: f64 = parameters.number('c', 0)
  /** Percent of visitors that get variant d. */
  private shareD: f64 = parameters.number('d', 0)
  /** Tells experiments apart: with another name the same visitors are split anew. */
  private experiment: string = parameters.text('experiment', 'ab')
  /** The cookie that remembers the variant. */
  private cookie: string = parameters.text('cookie', 'ab')
  /** Seconds the cookie lives. */
  private maxAge: i32 = parameters.integer('maxAge', 2_592_000)
  /** A header that decides in place of chance, such as a user id: its value gets one variant everywhere. */
  private by: string = parameters.text('by', '')
  /** The header that tells the upstream the variant; empty for none. */
  private header: string = parameters.text('header', 'x-variant')
  /** A query parameter that chooses the variant, for trying one out; empty for none. */
  private force: string = parameters.text('force', '')

  constructor() {
    super()
    const shares = [this.shareB, this.shareC, this.shareD]
    let total: f64 = 0
    for (let i = 0; i < shares.length; i++) {
      if (shares[i] < 0) refuse('b, c, d: a share is not negative')
      total += shares[i]
    }
    if (total > 100) refuse(`b, c, d: together they are ${total} percent, more than 100`)
    if (this.cookie == '') refuse('cookie: it must have a name')
  }

  onRequest(request: Request): Result {
    const variant = this.variantOf(request)
    // Set, never added: a client cannot bring a variant of its own.
    if (this.header != '') request.headers.set(this.header, variant)
    ctx.put('variant', variant)
    if (variant == 'b') return result('b')
    if (variant == 'c') return result('c')
    if (variant == 'd') return result('d')
    return next
  }

  onResponse(response: Response): void {
    // What is served depends on the cookie: a cache must not give it to others.
    response.headers.add('vary', 'Cookie')
    const variant = ctx.get('assigned')
    if (variant === null) return
    const cookie = new SetCookie(this.cookie, variant)
    cookie.path('/').maxAge(this.maxAge).sameSite('Lax').httpOnly()
    if (response.request.scheme == 'https') cookie.secure()
    response.setCookie(cookie)
  }

  private variantOf(request: Request): string {
    const forced = this.forcedBy(request)
    if (forced != '') {
      ctx.put('assigned', forced)
      return forced
    }
    const seen = request.cookie(this.cookie)
    if (seen !== null) {
      const known = this.known(seen.toString())
      if (known != '') return known
    }
    const variant = this.chosenBy(this.keyOf(request))
    ctx.put('assigned', variant)
    return variant
  }

  private forcedBy(request: Request): string {
    if (this.force == '') return ''
    const value = request.queryValue(this.force)
    return value === null ? '' : this.known(value)
  }

  /** The variant of that name while anybody gets it, else "": an experiment that has ended lets go. */
  private known(name: string): string {
    if (name == 'a') return 'a'
    if (name == 'b' && this.shareB > 0) return 'b'
    if (name == 'c' && this.shareC > 0) return 'c'
    if (name == 'd' && this.shareD > 0) return 'd'
    return ''
  }

  /** What decides: the header when the request has it, else what only this request has. */
  private keyOf(request: Request): Text {
    if (this.by != '') {
      const value = request.headers.get(this.by)
      if (value !== null) return value
    }
    return request.id
  }

  private chosenBy(key: Text): string {
    const digest = hash.sha256(Text.utf8(`${this.experiment}\n`).concat(key))
    const number =
      ((<u32>digest.byteAt(0)) << 24) |
      ((<u32>digest.byteAt(1)) << 16) |
      ((<u32>digest.byteAt(2)) << 8) |
      <u32>digest.byteAt(3)
    const percent = (<f64>number / 4294967296.0) * 100
    if (percent < this.shareB) return 'b'
    if (percent < this.shareB + this.shareC) return 'c'
    if (percent < this.shareB + this.shareC + this.shareD) return 'd'
    return 'a'
  }
}
