import { Filter, http, Request, Response } from '@penstock/sdk'

/** Asks the service that the header `service` names: twice before the upstream is asked, and once after. */
export class AskingService extends Filter {
  onRequest(request: Request): void {
    const service = request.headers.get('service')
    if (service === null) return
    http
      .call('POST', `${service}/first?secret=1`)
      .header('Traceparent', '00-11111111111111111111111111111111-2222222222222222-01')
      .header('TraceState', 'guest=1')
      .header('b3', '11111111111111111111111111111111-2222222222222222-1')
      .header('x-own', 'kept')
      .send('{}')
    http.get(`${service}/second`)
  }

  onResponse(response: Response): void {
    const service = response.headers.get('service')
    if (service !== null) http.get(`${service}/third`)
  }
}
