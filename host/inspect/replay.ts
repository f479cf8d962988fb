import { request as httpsRequest } from 'node:https'
import { GatewayError, reasonOf } from '../errors.ts'
import { request as httpRequest } from '../http/node-http.ts'
import { REPLAY_TIMEOUT_MS } from './limits.ts'
import { REPLAY_HEADER } from './recorder.ts'
import type { SentRequest } from './sent-request.ts'

const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH'])

/**
 * Sends a recorded request to the gateway's `port` on this machine, through a socket like any other, and
 * waits for the end of the answer. `mark` goes along in REPLAY_HEADER. INSPECT_REPLAY when no answer came.
 */
export function replay(sent: SentRequest, port: number, mark: string): Promise<void> {
  const { method, target, host, headers, body } = sent
  const send = sent.scheme === 'https' ? httpsRequest : httpRequest
  const fields = ['Host', host, ...headers, REPLAY_HEADER, mark]
  // Said in any case where Node would otherwise announce chunks.
  if (body.length > 0 || BODY_METHODS.has(method))
    fields.push('Content-Length', String(body.length))
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(new GatewayError('INSPECT_REPLAY', { reason: reasonOf(error) }, error))
    const call = send(
      {
        host: '127.0.0.1',
        port,
        method,
        path: target,
        headers: fields,
        agent: false,
        signal: AbortSignal.timeout(REPLAY_TIMEOUT_MS),
        // The gateway itself answers, under whatever name its certificate has.
        rejectUnauthorized: false,
      },
      (response) => {
        response.on('error', fail)
        response.on('end', resolve)
        response.resume()
      },
    )
    call.on('error', fail)
    call.end(body)
  })
}
