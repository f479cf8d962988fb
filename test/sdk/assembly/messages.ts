import { Filter, jwt, now, Request, Response, SetCookie } from '@penstock/sdk'

/** Reads a cookie and a token of every request and sets a cookie on every response. */
export class Messages extends Filter {
  onRequest(request: Request): void {
    const session = request.cookie('sid')
    if (session !== null) request.headers.set('x-session', session)
    request.removeCookie('debug')
    const text = jwt.bearer(request)
    if (text === null) return
    const token = jwt.read(text)
    if (token === null) {
      request.headers.set('x-token', 'none')
      return
    }
    request.headers.set('x-token', token.header.get('alg').text('?'))
    request.headers.set('x-user', token.claims.get('sub').text('?'))
    request.headers.set('x-current', token.isCurrent(now(), 0) ? 'yes' : 'no')
    request.headers.set('x-parts', `${token.signed} ${token.signature.length}`)
  }

  onResponse(response: Response): void {
    response.setCookie(new SetCookie('seen', '1').path('/').httpOnly())
    response.setCookie(new SetCookie('other', '2'))
  }
}
