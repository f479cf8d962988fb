import { type Agent, request } from 'node:https'
import { tlsFailure } from '../http/tls/failure.ts'

/** Time for one answer of an authority. */
export const ANSWER_TIMEOUT_MS = 30_000

/** A longer answer is not read; a chain of certificates has less than 10 KiB. */
export const MAX_ANSWER_BYTES = 256 * 1024

/** One message to an authority. */
export interface AcmeRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export interface AcmeAnswer {
  readonly status: number
  /** Names in lowercase. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Sends one message over a connection of `agent`, which says whom to trust. Redirects are told, not followed.
 * Rejects with an Error in words for whoever reads the log.
 */
export async function sendAcme(
  message: AcmeRequest,
  agent: Agent,
  signal: AbortSignal,
): Promise<AcmeAnswer> {
  const { protocol, host } = new URL(message.url)
  if (protocol !== 'https:') throw new Error(`${message.url} is not an https address`)
  const deadline = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  try {
    return await exchange(message, agent, AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (deadline.aborted) {
      throw new Error(`${host} did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`)
    }
    const failure = error instanceof Error ? (tlsFailure(error) ?? error.message) : String(error)
    throw new Error(`${host}: ${failure}`, { cause: error })
  }
}

function exchange(message: AcmeRequest, agent: Agent, signal: AbortSignal): Promise<AcmeAnswer> {
  const { url, method, headers, body } = message
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, agent, signal }, (incoming) => {
      const chunks: Buffer[] = []
      let length = 0
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        length += chunk.length
        if (length > MAX_ANSWER_BYTES) {
          incoming.destroy(new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`))
        }
      })
      incoming.on('error', reject)
      incoming.on('end', () => {
        resolve({
          status: incoming.statusCode ?? 0,
          headers: plainFields(incoming.headers),
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    call.on('error', reject)
    call.end(body ?? undefined)
  })
}

function plainFields(fields: NodeJS.Dict<string | string[]>): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return plain
}
