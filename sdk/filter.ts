/**
 * A filter is one exported class that extends this one. Its phases are the methods it has; `penstock build`
 * finds them, there is nothing to register:
 *
 *     onRequest(request: Request): void              before the upstream; may change the request or answer
 *     onResponse(response: Response): void           on the way back; may change the response
 *     onDone(response: Response): void               after the last byte; may look at both
 *
 * A second parameter `body: Body` asks for the whole body of the message. A return type `Result` lets a
 * phase answer `result('name')`, `reply(403, '…')` or `next`. `onDone` may do without its parameter.
 *
 *     import { Filter, Request } from '@penstock/sdk'
 *
 *     export class AddHeader extends Filter {
 *       onRequest(request: Request): void {
 *         request.headers.set('x-hello', 'world')
 *       }
 *     }
 *
 * The gateway makes several instances and may drop any of them between two phases: fields hold what was
 * computed from the parameters, `ctx` what belongs to a request.
 */
export abstract class Filter {}
