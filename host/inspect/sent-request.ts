import { GatewayError } from '../errors.ts'
import { HOST_OWNED_HEADERS } from '../exchange/field-rules.ts'
import type { Recording } from './recording.ts'

/** A recorded request as it can be sent again. */
export interface SentRequest {
  readonly scheme: 'http' | 'https'
  readonly method: string
  readonly target: string
  /** The authority the client asked for. */
  readonly host: string
  /** Without the fields that describe connection and framing: whoever sends it writes them. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/**
 * The request of a recording as it was received, or as it was in the given state. INSPECT_BODY when its
 * body was not recorded to the last byte: half a body is another request.
 */
export function sentRequest(recording: Recording, state = 0): SentRequest {
  const found = recording.states.requestAt(state)
  if (found === undefined) {
    throw new GatewayError('INSPECT_NOT_FOUND', { what: `state ${state} of ${recording.id}` })
  }
  if (!found.body.isWhole) throw new GatewayError('INSPECT_BODY', { id: recording.id })
  const headers: string[] = []
  for (let i = 0; i < found.headers.length; i += 2) {
    const name = found.headers[i] as string
    if (!HOST_OWNED_HEADERS.has(name.toLowerCase())) {
      headers.push(name, found.headers[i + 1] as string)
    }
  }
  return {
    scheme: recording.scheme,
    method: found.method,
    target: found.query === '' ? found.path : `${found.path}?${found.query}`,
    host: recording.host,
    headers,
    body: found.body.bytes(),
  }
}
