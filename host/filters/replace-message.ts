import type { MessageScope } from '../exchange/exchange.ts'
import type { Response } from '../exchange/response.ts'

/** Puts a response in the place of the one there, whose body nobody will read. */
export function replaceResponse(scope: MessageScope, response: Response): void {
  const former = scope.response
  scope.response = response
  if (former === null || former === response || isShared(scope, former)) return
  former.body.cancel('a filter replaced the response')
}

/** Another namespace may have the same response: builders share messages. */
function isShared(scope: MessageScope, response: Response): boolean {
  const { exchange } = scope
  if (scope !== exchange && exchange.response === response) return true
  if (exchange.scopes === null) return false
  for (const other of exchange.scopes.values()) {
    if (other !== scope && other.response === response) return true
  }
  return false
}
