import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Control } from '../control/control.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { listenNear } from '../free-port.ts'
import { createServer } from '../http/node-http.ts'
import type { Inspector } from '../inspect/inspector.ts'
import { OBJECT_SPECS } from '../objects/specs.ts'
import type { Logger } from '../observe/log.ts'
import { VERSION } from '../version.ts'
import { Authenticator } from './auth.ts'
import { mediaTypeOf, readBody } from './body.ts'
import { callerOf } from './caller.ts'
import { HostGuard } from './host-guard.ts'
import {
  ADMIN_CLOSE_GRACE_MS,
  HEADER_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  MAX_ADMIN_CONNECTIONS,
  MAX_HEADER_BYTES,
  REQUEST_TIMEOUT_MS,
} from './limits.ts'
import type { LoadPage } from './page.ts'
import { problemReply, refusal } from './problem.ts'
import type { AdminServices, Reply, RouteGroup } from './route.ts'
import { Router } from './router.ts'
import { builtinRoutes } from './routes/builtin.ts'
import { loadToken } from './token-file.ts'
import { writeReply } from './write-reply.ts'

export const DEFAULT_ADMIN_ADDRESS = '127.0.0.1'
export const DEFAULT_ADMIN_PORT = 2381

export interface AdminOptions {
  readonly control: Control
  readonly log: Logger
  /** Every metric, in Prometheus's text format. Default none. */
  readonly metrics?: () => Promise<string>
  /** Where the token file is, or is made: see `loadToken`. */
  readonly dataDir: string
  /** Default 127.0.0.1. */
  readonly address?: string
  /** Default 2381; 0 takes a free port. */
  readonly port?: number
  /** Names of this API beside the loopback ones: `name` or `name:port`. */
  readonly allowedHosts?: readonly string[]
  /** When the port is taken, takes the next free one instead of failing. Default false. */
  readonly takesFreePort?: boolean
  /** What has recorded exchanges, and the page that shows them. Default none. */
  readonly inspector?: Inspector | null
  readonly page?: LoadPage | null
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number
}

/** The running admin API. */
export interface AdminServer {
  readonly address: string
  readonly port: number
  /** Stops accepting, lets running requests end, cuts what is left after `graceMs`. Idempotent. */
  close(graceMs?: number): Promise<void>
}

/**
 * Starts the admin API. Resolves when the socket is bound; fails with LISTEN, or with ADMIN_TOKEN_FILE when
 * the token cannot be kept secret.
 */
export async function createAdminServer(options: AdminOptions): Promise<AdminServer> {
  const address = options.address ?? DEFAULT_ADMIN_ADDRESS
  const api = new AdminApi(options, await loadToken(options.dataDir))
  const server = createServer(
    {
      headersTimeout: HEADER_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // Node looks for late heads every 30 s unless told otherwise; the limit above would mean little.
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    api.handle,
  )
  server.maxConnections = MAX_ADMIN_CONNECTIONS
  // The body of an upload that is refused anyway is not even asked for.
  server.on('checkContinue', api.handle)
  server.on('clientError', (_, socket) => api.refuseGarbage(socket as Socket))
  const wanted = options.port ?? DEFAULT_ADMIN_PORT
  const bind = (port: number): Promise<void> => listen(server, address, port)
  await (options.takesFreePort === true ? listenNear(wanted, bind) : bind(wanted))
  const { port } = server.address() as AddressInfo
  let closing: Promise<void> | null = null
  const close = (graceMs = ADMIN_CLOSE_GRACE_MS) => {
    closing ??= closeServer(server, graceMs)
    return closing
  }
  return { address, port, close }
}

class AdminApi {
  readonly #services: AdminServices
  readonly #log: Logger
  readonly #groups: readonly RouteGroup[] = builtinRoutes
  readonly #router: Router
  readonly #auth: Authenticator
  readonly #guard: HostGuard
  #errors = 0

  constructor(options: AdminOptions, token: string) {
    const objectKinds = OBJECT_SPECS.map(({ kind }) => kind).toSorted()
    const metrics = options.metrics ?? (() => Promise.resolve(''))
    this.#services = {
      control: options.control,
      metrics,
      objectKinds,
      version: VERSION,
      inspector: options.inspector ?? null,
      page: options.page ?? null,
    }
    this.#log = options.log
    this.#router = new Router(this.#groups.flatMap((group) => group.routes))
    this.#auth = new Authenticator(token, options.now)
    this.#guard = new HostGuard(options.allowedHosts)
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    // `reply` never rejects, and writing ends with the caller's connection at the latest.
    void this.#reply(request, response).then((reply) =>
      writeReply(request, response, reply, this.#services.control.revision),
    )
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    try {
      return await this.#answer(request, response)
    } catch (error) {
      const known = problemReply(error)
      if (known !== null) return known
      this.#errors += 1
      const requestId = `admin-${process.pid}-${this.#errors}`
      const { method, url } = request
      this.#log.error({ error, requestId, method, url }, 'a request to the admin API failed')
      return refusal(new GatewayError('ADMIN_INTERNAL', { requestId }))
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    this.#guard.check(request)
    const { method = 'GET', url = '/' } = request
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const { authorization } = request.headers
    const found = this.#find(method, path)
    const open = found?.route.isOpen === true ? found : null
    // Open routes need no token, but one that is sent must be right: else they would be a free way to guess.
    const isAuthorized = open === null || authorization !== undefined
    const hasKey =
      found?.route.takesInspectorKey === true &&
      this.#services.inspector?.key.matches(authorization) === true
    if (isAuthorized && !hasKey) {
      this.#auth.check(authorization, request.socket.remoteAddress ?? '')
    }
    const { route, params } = open ?? this.#router.match(method, path)
    const caller = callerOf(request)
    const rule = route.body ?? null
    const body = rule === null ? Buffer.alloc(0) : await readBody(request, response, rule)
    return await route.handle({
      services: this.#services,
      params,
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
      body,
      mediaType: mediaTypeOf(request),
      caller,
      isAuthorized,
      groups: this.#groups,
    })
  }

  /** The route, or null. What is wrong with a path is told to authorized callers only. */
  #find(method: string, path: string) {
    try {
      return this.#router.match(method, path)
    } catch {
      // Not found, or the wrong method: it is found out again once the token is known to be right.
      return null
    }
  }

  /** What is no HTTP never becomes a request; the answer is written by hand. */
  refuseGarbage(socket: Socket): void {
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const version = this.#services.control.revision
    socket.end(
      'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n' +
        `x-config-version: ${version}\r\nx-content-type-options: nosniff\r\n\r\n`,
    )
  }
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const shown = `${address}:${port}`
      reject(new GatewayError('LISTEN', { address: shown, reason: reasonOf(error) }, error))
    }
    server.once('error', fail)
    server.listen(port, address, () => {
      server.removeListener('error', fail)
      resolve()
    })
  })
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
