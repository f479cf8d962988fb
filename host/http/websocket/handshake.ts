import { createHash } from 'node:crypto'
import type { Request } from '../../exchange/request.ts'
import type { Response } from '../../exchange/response.ts'

/** Joined to the key of a handshake (RFC 6455, section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The version of the protocol there is (RFC 6455, section 4.1). */
export const WEBSOCKET_VERSION = '13'

/** Why a request opens no WebSocket. */
export interface HandshakeProblem {
  readonly status: 400 | 426
  readonly reason: string
}

/** Is this the opening of a WebSocket, as RFC 6455, section 4.2.1 asks for it? Null when it is. */
export function checkHandshake(request: Request): HandshakeProblem | null {
  const { headers } = request
  if (request.upgrade.toLowerCase() !== 'websocket') {
    return problem(426, 'this is a WebSocket: the request has to ask for an upgrade to it')
  }
  if (request.method !== 'GET') return problem(400, 'a WebSocket is opened with GET')
  if (!request.body.isWhole || !request.body.isEmpty) {
    return problem(400, 'the opening of a WebSocket has no body')
  }
  const versions = headers.getAll('sec-websocket-version')
  if (versions.length !== 1 || versions[0] !== WEBSOCKET_VERSION) {
    return problem(426, `the WebSocket version is not ${WEBSOCKET_VERSION}`)
  }
  const keys = headers.getAll('sec-websocket-key')
  // Sixteen bytes in base64: 22 digits, of which the last has four bits to spare.
  if (keys.length !== 1 || !/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(keys[0] ?? '')) {
    return problem(400, 'a malformed Sec-WebSocket-Key')
  }
  return null
}

function problem(status: 400 | 426, reason: string): HandshakeProblem {
  return { status, reason }
}

/** What is wrong with a server's answer of status 101 to `request`; null when nothing is. */
export function checkAcceptance(
  request: Pick<Request, 'headers'>,
  response: Response,
): string | null {
  const key = request.headers.get('sec-websocket-key') ?? ''
  const accepted = response.headers.getAll('sec-websocket-accept')
  if (accepted.length !== 1 || accepted[0] !== acceptOf(key)) {
    return 'a Sec-WebSocket-Accept that does not belong to the key'
  }
  const chosen = response.headers.getAll('sec-websocket-protocol')
  if (chosen.length > 1) return 'more than one Sec-WebSocket-Protocol'
  const offered = tokensOf(request.headers.getAll('sec-websocket-protocol'))
  if (chosen[0] !== undefined && !offered.includes(chosen[0])) {
    return 'a Sec-WebSocket-Protocol that was not offered'
  }
  const known = namesOf(request.headers.getAll('sec-websocket-extensions'))
  const used = namesOf(response.headers.getAll('sec-websocket-extensions'))
  if (used.some((name) => !known.includes(name))) {
    return 'a Sec-WebSocket-Extensions that was not offered'
  }
  return null
}

/** The answer to a key (RFC 6455, section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64')
}

function tokensOf(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',').map((part) => part.trim()))
}

/** The names of extensions, without their parameters. */
function namesOf(values: readonly string[]): string[] {
  return tokensOf(values).map((part) => (part.split(';')[0] ?? '').trim().toLowerCase())
}
