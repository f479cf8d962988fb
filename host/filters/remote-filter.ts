import { duration, z } from '../config/schema.ts'
import { reasonOf } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { OutboundCall } from './outbound-call.ts'
import {
  applyReply,
  describeMessages,
  MAX_REMOTE_REPLY_BYTES,
  parseReply,
  refusedReply,
} from './remote-message.ts'
import { replaceResponse } from './replace-message.ts'

const spec = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:9096/filter' })
    .describe('Where the service is; it gets a POST with request and response as JSON.'),
  timeout: duration().prefault('0s').describe('Time for the answer; 0s waits for ever.'),
})

type Result = 'failed' | 'responseAlready' | undefined

/** Lets a service do what a filter does: it gets the request and says what it becomes. */
export const remoteFilter = defineFilter({
  kind: 'RemoteFilter',
  description:
    'Asks a service what becomes of the request and the response: it gets both as JSON and answers with both.',
  results: ['failed', 'responseAlready'],
  example: `name: remote
kind: RemoteFilter
url: http://127.0.0.1:9096/decide
timeout: 2s`,
  notes: [
    'The service cannot set headers that belong to the host, such as `Content-Length` and `Connection`.',
  ],
  spec,
  create: (checked, env) => new RemoteFilter(checked, env),
})

class RemoteFilter implements Filter<'failed' | 'responseAlready'> {
  readonly #call: OutboundCall
  readonly #timeoutMs: number
  readonly #name: string

  constructor(checked: z.output<typeof spec>, env: FilterEnv) {
    this.#call = new OutboundCall(checked.url, env)
    this.#timeoutMs = checked.timeout
    this.#name = env.filter
  }

  async handle(scope: MessageScope): Promise<Result> {
    const { exchange } = scope
    try {
      const body = Buffer.from(JSON.stringify(await describeMessages(scope)), 'utf8')
      const answer = await this.#call.send(
        { method: 'POST', headers: ['Content-Type', 'application/json'], body },
        MAX_REMOTE_REPLY_BYTES,
        this.#timeoutMs,
        exchange,
      )
      if (answer.status < 200 || answer.status >= 300) throw refusedReply(`status ${answer.status}`)
      const isFinal = answer.status === 205
      applyReply(scope, parseReply(answer.body), isFinal)
      return isFinal ? 'responseAlready' : undefined
    } catch (error) {
      exchange.tag(`${this.#name}: ${reasonOf(error)}`)
      replaceResponse(scope, fallbackResponse(exchange, 503))
      return 'failed'
    }
  }

  close(): void {
    this.#call.close()
  }
}
