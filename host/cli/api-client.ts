import { resolve } from 'node:path'
import { CALLER_HEADER } from '../admin/schemas/caller-name.ts'
import { readToken, TOKEN_FILE } from '../admin/token-file.ts'
import { z } from '../config/schema.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import type { CommandCall } from './command.ts'

/** How long a command waits for the gateway. A push compiles a module and drains the former one. */
export const CALL_TIMEOUT_MS = 60_000

/** Bytes of an answer that are read. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024

/** The data directory of a command that was not told one. */
export const DEFAULT_DATA_DIR = '.penstock'

const problemSchema = z.looseObject({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  issues: z
    .array(
      z.looseObject({
        severity: z.string(),
        path: z.string(),
        message: z.string(),
        suggestion: z.string().nullish(),
        object: z.string().optional(),
      }),
    )
    .optional(),
})

/** What the gateway says when it refuses. */
export type RefusedProblem = z.output<typeof problemSchema>

/** The gateway has refused a call. */
export class RefusedError extends Error {
  readonly status: number
  readonly problem: RefusedProblem
  /** The issues with their places in the caller's files, when it has found them. */
  readonly located: readonly string[] | null

  constructor(
    status: number,
    problem: RefusedProblem,
    located: readonly string[] | null = null,
    cause?: unknown,
  ) {
    super(problem.message, cause === undefined ? undefined : { cause })
    this.name = 'RefusedError'
    this.status = status
    this.problem = problem
    this.located = located
  }
}

/** A body to send. */
export interface CallBody {
  readonly type: 'application/json' | 'application/wasm'
  readonly bytes: Uint8Array | string
}

/** Talks to the admin API of a running gateway. */
export class ApiClient {
  readonly #origin: string
  readonly #token: string | null
  readonly #tokenPath: string
  readonly #by: string | null

  private constructor(origin: string, token: string | null, tokenPath: string, by: string | null) {
    this.#origin = origin
    this.#token = token
    this.#tokenPath = tokenPath
    this.#by = by
  }

  /**
   * Reads the token file unless a token was given. `by` is whom the history of what is changed will name: see
   * `callerName`. Fails with CLI_USAGE or ADMIN_TOKEN_FILE.
   */
  static async open(
    { global, io }: Pick<CommandCall, 'global' | 'io'>,
    by: string | null = null,
  ): Promise<ApiClient> {
    const origin = originOf(global.server)
    const dataDir = resolve(io.cwd, global.dataDir ?? DEFAULT_DATA_DIR)
    const token = global.token ?? (await readToken(dataDir))
    return new ApiClient(origin, token, resolve(dataDir, TOKEN_FILE), by)
  }

  /**
   * One call; the answer as `schema` has it. Fails with CLI_UNREACHABLE, CLI_TOKEN_MISSING or CLI_REPLY,
   * and with RefusedError when the gateway says no.
   */
  async call<S extends z.ZodType>(
    schema: S,
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body: CallBody | null = null,
  ): Promise<z.output<S>> {
    const { status, data } = await this.#exchange(method, path, body)
    if (status < 200 || status > 299) throw this.#refused(status, data)
    const reply = schema.safeParse(data)
    if (!reply.success) throw this.#strange('its answer has another shape than expected')
    return reply.data
  }

  async #exchange(
    method: string,
    path: string,
    body: CallBody | null,
  ): Promise<{ status: number; data: unknown }> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (this.#token !== null) headers['authorization'] = `Bearer ${this.#token}`
    if (body !== null) headers['content-type'] = body.type
    if (this.#by !== null) headers[CALLER_HEADER] = this.#by
    let response: Response
    let text: string
    try {
      response = await fetch(`${this.#origin}/apis/v2${path}`, {
        method,
        headers,
        body: body === null ? null : bytesOf(body),
        // The token must not follow a redirect to somebody else.
        redirect: 'manual',
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      })
      text = await readText(response)
    } catch (error) {
      throw new GatewayError(
        'CLI_UNREACHABLE',
        { server: this.#origin, reason: networkReason(error) },
        error,
      )
    }
    try {
      return { status: response.status, data: JSON.parse(text) }
    } catch {
      throw this.#strange(`it answered ${response.status} without JSON`)
    }
  }

  #refused(status: number, data: unknown): Error {
    const problem = problemSchema.safeParse(data)
    if (!problem.success) return this.#strange(`it answered ${status} without a reason`)
    if (status === 401 && this.#token === null) {
      return new GatewayError('CLI_TOKEN_MISSING', { path: this.#tokenPath })
    }
    return new RefusedError(status, problem.data)
  }

  #strange(reason: string): GatewayError {
    return new GatewayError('CLI_REPLY', { server: this.#origin, reason })
  }
}

function bytesOf({ bytes }: CallBody): string | Uint8Array<ArrayBuffer> {
  return typeof bytes === 'string' ? bytes : new Uint8Array(bytes)
}

/** `host:port` is meant as http, which is what the API speaks. */
function originOf(server: string): string {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `http://${server}`
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    const reason = `"${server}" is no address of an admin API, for instance http://127.0.0.1:2381`
    throw new GatewayError('CLI_USAGE', { reason })
  }
  return url.origin
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MAX_REPLY_BYTES) throw new GatewayError('CLI_REPLY', TOO_LONG)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length).toString('utf8')
}

const TOO_LONG = { server: 'the server', reason: `it answers more than ${MAX_REPLY_BYTES} bytes` }

/** What went wrong below HTTP, without the library's own words around it. */
function networkReason(error: unknown): string {
  if (error instanceof GatewayError) return error.message
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no answer within ${CALL_TIMEOUT_MS / 1000} s`
  }
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return REASONS[code] ?? reasonOf(cause)
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'there is no host of that name',
  UND_ERR_SOCKET: 'the connection was closed',
}
