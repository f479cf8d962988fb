import { isJsonObject, type JsonObject } from '../../config/json.ts'
import { GatewayError } from '../../errors.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import { DEFAULT_UPSTREAM_TLS, UpstreamTls } from '../../http/tls/upstream-tls.ts'
import { escapeQuery } from '../../template/functions/escape.ts'
import type { FilterEnv } from '../env.ts'
import { OutboundCall } from '../outbound-call.ts'

const MAX_ANSWER_BYTES = 64 * 1024
const TIMEOUT_MS = 5_000

export interface IntrospectionSpec {
  readonly endPoint: string
  readonly clientId: string
  readonly clientSecret: string
  readonly basicAuth: string
  /** True takes any certificate. */
  readonly insecureTls: boolean
}

/** Asks an authorization server whether a token is valid (RFC 7662). */
export class Introspection {
  readonly #call: OutboundCall
  readonly #spec: IntrospectionSpec

  constructor(spec: IntrospectionSpec, env: FilterEnv) {
    this.#spec = spec
    const tls = spec.insecureTls
      ? new UpstreamTls({ ...DEFAULT_UPSTREAM_TLS, isVerified: false })
      : null
    this.#call = new OutboundCall(spec.endPoint, env, tls)
  }

  /** What the server says about the token. Fails when it says nothing that can be understood. */
  async ask(token: string, exchange: Exchange): Promise<JsonObject> {
    const { clientId, clientSecret, basicAuth } = this.#spec
    const headers = [
      'Content-Type',
      'application/x-www-form-urlencoded',
      'Accept',
      'application/json',
    ]
    let form = `token=${escapeQuery(token)}`
    if (clientId !== '') {
      form += `&client_id=${escapeQuery(clientId)}&client_secret=${escapeQuery(clientSecret)}`
    } else if (basicAuth !== '') headers.push('Authorization', `Basic ${basicAuth}`)
    const body = Buffer.from(form, 'utf8')
    const request = { method: 'POST', headers, body }
    const answer = await this.#call.send(request, MAX_ANSWER_BYTES, TIMEOUT_MS, exchange)
    if (answer.status !== 200) throw failed(`status ${answer.status}`)
    let data: unknown
    try {
      data = JSON.parse(answer.body.toString('utf8'))
    } catch {
      throw failed('no JSON')
    }
    if (!isJsonObject(data)) throw failed('no object')
    return data
  }

  close(): void {
    this.#call.close()
  }
}

function failed(reason: string): GatewayError {
  return new GatewayError('REMOTE_REPLY', { reason })
}
