import { systemClock } from '../clock.ts'
import { z } from '../config/schema.ts'
import type { Request } from '../exchange/request.ts'
import type { UpstreamEnv } from '../upstream/balance-spec.ts'
import type { FilterEnv } from './env.ts'
import {
  compileRequestMatcher,
  type RequestMatcher,
  type RequestMatcherSpec,
} from './request-matcher.ts'

/** What the schema of every pool has. */
interface PoolFields {
  readonly filter?: RequestMatcherSpec | undefined
}

/** The pools of a filter: those with a `filter`, and exactly one without. */
export function poolList<S extends z.ZodType<PoolFields>>(pool: S) {
  return z
    .array(pool)
    .min(1)
    .superRefine((pools, context) => {
      const mains = pools.flatMap(({ filter }, index) => (filter === undefined ? [index] : []))
      if (mains.length === 1) return
      const message =
        mains.length === 0
          ? 'one pool must have no `filter`: it takes what the others do not'
          : 'another pool has no `filter` already: only one takes what the others do not'
      context.addIssue({ code: 'custom', path: mains.slice(1, 2), message })
    })
    .describe('Pools with a `filter` are asked in order; the one without takes the rest.')
}

/** What the schema of a pool says about its servers. */
interface ServerFields {
  readonly servers: readonly unknown[]
  readonly discovery?: unknown
  readonly serviceName: string
  readonly serviceRegistry: string
}

/** For the schema of a pool: it has servers, or one way to find some. */
export function checkHasServers(pool: ServerFields, context: z.RefinementCtx): void {
  const complain = (field: keyof ServerFields, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message })
  }
  const { servers, discovery, serviceName, serviceRegistry } = pool
  if (serviceName !== '' && discovery !== undefined) {
    complain('discovery', '`discovery` and `serviceName` exclude each other')
  }
  if (servers.length > 0 || discovery !== undefined) return
  if (serviceName === '') {
    complain('servers', 'a pool needs `servers`, `discovery` or `serviceName`')
  } else if (serviceRegistry === '') {
    complain('serviceName', 'a `serviceName` needs the `serviceRegistry` to look it up in')
  }
}

/** A pool that runs. */
interface RunningPool {
  status(): unknown
  close(): void
}

interface Candidate<P> {
  readonly matches: RequestMatcher
  readonly pool: P
}

/** The running pools of a filter, and which of them takes a request. */
export class PoolChoice<P extends RunningPool> {
  readonly #main: P
  readonly #candidates: readonly Candidate<P>[]

  private constructor(main: P, candidates: readonly Candidate<P>[]) {
    this.#main = main
    this.#candidates = candidates
  }

  /** Makes a pool of each spec; those that were made are closed again when one fails. */
  static async create<S extends PoolFields, P extends RunningPool>(
    specs: readonly S[],
    random: () => number,
    create: (spec: S) => Promise<P>,
  ): Promise<PoolChoice<P>> {
    const candidates: Candidate<P>[] = []
    let main: P | null = null
    try {
      for (const spec of specs) {
        const pool = await create(spec)
        if (spec.filter === undefined) main = pool
        else candidates.push({ matches: compileRequestMatcher(spec.filter, random), pool })
      }
      // `poolList` asks for exactly one.
      return new PoolChoice(main as P, candidates)
    } catch (error) {
      main?.close()
      for (const { pool } of candidates) pool.close()
      throw error
    }
  }

  of(request: Request): P {
    const candidates = this.#candidates
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i] as Candidate<P>
      if (candidate.matches(request)) return candidate.pool
    }
    return this.#main
  }

  status(): { mainPool: unknown; candidatePools: unknown[] } {
    return {
      mainPool: this.#main.status(),
      candidatePools: this.#candidates.map(({ pool }) => pool.status()),
    }
  }

  close(): void {
    this.#main.close()
    for (const { pool } of this.#candidates) pool.close()
  }
}

/** What the pools of a filter of `kind` are given beside their specs. */
export function upstreamEnv(kind: string, env: FilterEnv): UpstreamEnv {
  return {
    // A filter that becomes one of another kind under its name shares nothing with the former.
    owner: `${kind} ${env.pipeline}/${env.filter}`,
    engine: env.engine,
    shared: env.clients,
    registries: env.registries,
    clock: systemClock,
    random: Math.random,
    log: env.log,
  }
}
