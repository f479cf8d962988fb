import { Filter, next, parameters, Request, Result, reply } from '@penstock/sdk'

/** Lets in requests that bring the token, and tells the upstream which tenant they belong to. */
export class MyFilter extends Filter {
  /** The token a request must bring as "authorization: Bearer …". */
  private token: string = parameters.required('token')
  /** What the upstream finds in the header x-tenant. */
  private tenant: string = parameters.text('tenant', 'acme')

  onRequest(request: Request): Result {
    const authorization = request.headers.get('authorization')
    if (authorization === null || !authorization.equals(`Bearer ${this.token}`)) {
      return reply(401, 'who are you?\n').header('www-authenticate', 'Bearer')
    }
    request.headers.remove('authorization')
    request.headers.set('x-tenant', this.tenant)
    return next
  }
}
