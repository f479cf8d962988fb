import type { Exchange } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { encodePath } from '../exchange/request.ts'
import type { HttpServer, ListenOptions } from '../http/engine.ts'
import { OrderedRouter, rewritePath } from '../traffic/router.ts'
import type { Usage } from '../usage-pool.ts'
import type { Generation, ObjectEnv } from './generation.ts'
import { compileRules, limitsOf } from './http-server-rules.ts'
import type { HttpServerSpec } from './http-server-spec.ts'

/** A bound socket that outlives generations, with the handler of the one that is active. */
class Listener {
  server: HttpServer | null = null
  /** Replaced at every swap: the one pointer. Waits until the first generation is active. */
  handle: (exchange: Exchange) => void | Promise<void>
  #activate: () => void = () => undefined

  constructor() {
    const active = new Promise<void>((resolve) => {
      this.#activate = resolve
    })
    this.handle = (exchange) => active.then(() => this.handle(exchange))
  }

  use(handle: (exchange: Exchange) => void | Promise<void>): void {
    this.handle = handle
    this.#activate()
  }
}

/** A running HTTPServer: a router over a listener. */
export class HttpServerGeneration implements Generation {
  readonly name: string
  readonly #spec: HttpServerSpec
  readonly #env: ObjectEnv
  readonly #router: OrderedRouter
  readonly #listener: Usage<Listener>
  #requests = 0

  constructor(spec: HttpServerSpec, env: ObjectEnv, listener: Usage<Listener>) {
    this.name = spec.name
    this.#spec = spec
    this.#env = env
    this.#router = new OrderedRouter(compileRules(spec))
    this.#listener = listener
  }

  /** The port that was bound, also when 0 was asked for. */
  get port(): number {
    return this.#listener.value.server?.port ?? 0
  }

  activate(): void {
    const listener = this.#listener.value
    listener.use(this.#env.observer?.watchServer(this.handle) ?? this.handle)
    listener.server?.update(limitsOf(this.#spec))
  }

  retire(): Promise<void> {
    this.#listener.release()
    return Promise.resolve()
  }

  status(): unknown {
    const { server } = this.#listener.value
    return {
      health: '',
      state: 'running',
      port: this.port,
      connections: server?.connections ?? 0,
      requests: this.#requests,
    }
  }

  readonly handle = (exchange: Exchange): void | Promise<void> => {
    this.#requests += 1
    this.#env.accessLog.watch(exchange)
    const route = this.#router.route(exchange.request)
    if (typeof route === 'number') {
      exchange.response = fallbackResponse(exchange, route)
      return
    }
    const pipeline = this.#env.pipeline(route.backend)
    if (pipeline === undefined) {
      exchange.tag(`backend ${route.backend} is not there`)
      exchange.response = fallbackResponse(exchange, 503)
      return
    }
    if (route.rewriteTarget !== '') {
      const { request } = exchange
      request.path = encodePath(rewritePath(route, request.decodedPath))
    }
    return pipeline.handle(exchange)
  }
}

/** Binds the port, or takes over the listener of the generation that has it. Fails with LISTEN. */
export async function createHttpServer(
  spec: HttpServerSpec,
  env: ObjectEnv,
): Promise<HttpServerGeneration> {
  const key = `${spec.name} ${spec.address}:${spec.port}`
  const usage = env.listeners.acquire(
    key,
    () => new Listener(),
    (unused) => void unused.server?.close(env.drainMs),
  )
  const listener = usage.value
  const generation = new HttpServerGeneration(spec, env, usage)
  if (listener.server === null) {
    const options: ListenOptions = {
      name: spec.name,
      address: spec.address,
      port: spec.port,
      limits: limitsOf(spec),
    }
    try {
      listener.server = await env.engine.listen(options, (exchange) => listener.handle(exchange))
    } catch (error) {
      usage.release()
      throw error
    }
  }
  return generation
}
