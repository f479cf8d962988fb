import { Filter, parameters, Request, Text } from '@penstock/sdk'

let kept: Text[] = []

/** Keeps what it read: every request when `mode` is "always", the first hundred when it is "cache". */
export class Leaky extends Filter {
  private mode: string = parameters.text('mode', 'never')

  onRequest(request: Request): void {
    const path = request.path
    if (this.mode == 'always' || (this.mode == 'cache' && kept.length < 100)) kept.push(path)
    if (this.mode == 'trap' && path.endsWith('7')) unreachable()
  }
}
