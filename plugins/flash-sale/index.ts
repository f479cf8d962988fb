import {
  base64,
  ctx,
  dates,
  Filter,
  hash,
  hex,
  next,
  now,
  parameters,
  Request,
  Response,
  Result,
  refuse,
  result,
  SetCookie,
  Text,
} from '@penstock/sdk'
import { NO_MOMENT, parseMoment } from './moment.ts'
import { Page } from './page.ts'
import { SOLD_OUT, Stock, UNDECIDED } from './stock.ts'

/** Buyers that can be remembered by name: the store keeps 10,000 keys for a plugin. */
const MAX_NAMED: i32 = 9_000
const SECRET_BYTES: i32 = 16
/** Seconds after which a page asks again at the latest: clocks differ, and plans change. */
const MAX_REFRESH: i64 = 60

/** Lets as many buyers through as there is stock, and tells the others fairly why not. */
export class FlashSale extends Filter {
  /** What is sold, in words. */
  private title: string = parameters.text('title', 'Sale')
  /** When it begins, such as 2026-11-27T08:00:00Z. */
  private start: i64 = parseMoment(parameters.required('start'))
  /** When no more permits are given out; empty for never. */
  private endText: string = parameters.text('end', '')
  /** How many buyers get a permit. */
  private size: i32 = parameters.integer('stock', 0)
  /** Tells sales apart: with another name counting begins anew. */
  private sale: string = parameters.text('sale', 'sale')
  /** The header that says who the buyer is, set by a filter before this one; empty for a signed cookie. */
  private by: string = parameters.text('by', '')
  /** The key that cookies are signed with, in hex. */
  private secretHex: string = parameters.text('secret', '')
  /** The cookie that has the permit. */
  private cookie: string = parameters.text('cookie', 'sale')
  /** The header that tells the upstream the number of the permit. */
  private header: string = parameters.text('header', 'x-sale-permit')
  /** Give the results early, soldOut, over and unknown in place of pages. */
  private hasResults: bool = parameters.flag('results', false)
  private end: i64 = i64.MAX_VALUE
  private secret: Text = Text.of('')
  private stock: Stock = new Stock('', 0)

  constructor() {
    super()
    if (this.start == NO_MOMENT) refuse('start: write a moment such as 2026-11-27T08:00:00Z')
    if (this.endText != '') this.end = parseMoment(this.endText)
    if (this.end == NO_MOMENT) refuse('end: write a moment such as 2026-11-27T20:00:00Z')
    else if (this.end <= this.start) refuse('end: it must come after the start')
    if (this.size < 1) refuse('stock: at least 1')
    if (this.sale == '' || this.sale.length > 64) refuse('sale: 1 to 64 characters')
    const secret = hex.decode(this.secretHex)
    if (secret !== null) this.secret = secret
    if (this.by != '') {
      if (this.size > MAX_NAMED) refuse(`stock: at most ${MAX_NAMED} with "by"`)
    } else if (secret === null || secret.length < SECRET_BYTES) {
      refuse(`secret: at least ${SECRET_BYTES} bytes in hex, or "by"`)
    }
    this.stock = new Stock(this.sale, this.size)
  }

  onRequest(request: Request): Result {
    // A client must not bring a permit of its own making.
    request.headers.remove(this.header)
    const at = now()
    if (at < this.start) return this.early(request, at)
    return this.by != '' ? this.named(request, at) : this.anonymous(request, at)
  }

  onResponse(response: Response): void {
    const permit = ctx.get('permit')
    if (permit === null) return
    const cookie = new SetCookie(this.cookie, permit)
    cookie.path('/').sameSite('Lax').httpOnly()
    if (response.request.scheme == 'https') cookie.secure()
    response.setCookie(cookie)
    // What is answered with somebody's permit is nobody else's.
    response.headers.set('cache-control', 'private, no-store')
  }

  /** One permit for each buyer that the header names. */
  private named(request: Request, at: i64): Result {
    const value = request.headers.get(this.by)
    if (value === null || value.length == 0) {
      if (this.hasResults) return result('unknown')
      return this.page(request, 403, 'unknown', 'Sign in first, then come back.', 0)
    }
    const buyer = hex.encode(hash.sha256(value)).slice(0, 32)
    const isOver = at >= this.end
    const permit = isOver ? this.stock.permitOf(buyer) : this.stock.takeFor(buyer)
    if (permit > 0) return this.pass(request, permit)
    if (permit == UNDECIDED) {
      return this.page(request, 503, 'undecided', 'Another of your requests is on its way.', 1)
    }
    return isOver ? this.over(request) : this.soldOut(request)
  }

  /** One permit for each visitor, who keeps it in a cookie. */
  private anonymous(request: Request, at: i64): Result {
    const known = this.permitIn(request.cookie(this.cookie))
    if (known > 0) return this.pass(request, known)
    if (at >= this.end) return this.over(request)
    const permit = this.stock.take()
    if (permit == SOLD_OUT) return this.soldOut(request)
    ctx.put('permit', this.signed(permit))
    return this.pass(request, permit)
  }

  private pass(request: Request, permit: i64): Result {
    request.headers.set(this.header, permit)
    return next
  }

  /** The number of a permit this gateway has signed for this sale; 0 for anything else. */
  private permitIn(value: Text | null): i64 {
    if (value === null) return 0
    const dot = value.indexOf('.')
    const number = dot < 0 ? 0 : value.slice(0, dot).toInteger()
    if (number < 1) return 0
    return hash.isSame(Text.of(this.signed(number)), value) ? number : 0
  }

  private signed(permit: i64): string {
    const mac = hash.hmacSha256(this.secret, `${this.sale}\n${permit}`)
    return `${permit}.${base64.encodeUrl(mac)}`
  }

  private early(request: Request, at: i64): Result {
    if (this.hasResults) return result('early')
    const wait = (this.start - at + 999) / 1000
    const text = `It begins on ${dates.http(this.start)}. There are ${this.size}; who comes first is served first.`
    return this.page(request, 503, 'early', text, min<i64>(wait, MAX_REFRESH))
  }

  private soldOut(request: Request): Result {
    if (this.hasResults) return result('soldOut')
    const text = `All ${this.size} are taken. Waiting here does not help; thank you for coming.`
    return this.page(request, 410, 'soldOut', text, 0)
  }

  private over(request: Request): Result {
    if (this.hasResults) return result('over')
    return this.page(request, 410, 'over', `It ended on ${dates.http(this.end)}.`, 0)
  }

  private page(request: Request, status: i32, state: string, text: string, again: i64): Result {
    return new Page(status, state, this.title, text, again).answer(request)
  }
}
