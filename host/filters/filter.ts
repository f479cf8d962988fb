import type { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { Pending } from '../exchange/late.ts'
import type { FilterEnv } from './env.ts'

/** What a filter's step answers: undefined to go on, or one of the results its kind declares. */
export type FilterResult<R extends string> = R | undefined

/** What a filter could not load at the start, while it answers without it. */
export interface MissingPart {
  readonly reason: string
  /** The gateway is not ready without it. */
  readonly isRequired: boolean
}

/** One running filter of a pipeline generation. `close` is idempotent and called by the pipeline only. */
export interface Filter<R extends string = string> {
  /** Synchronous when it can be: the pipeline only waits when it is told to. */
  handle(scope: MessageScope): FilterResult<R> | Pending<FilterResult<R>>
  /** Results beside those of its kind: the ones a plugin declares. */
  readonly resultNames?: readonly string[]
  /** Results that go on like no result when no `jumpIf` names them, instead of ending the flow. */
  readonly passes?: ReadonlySet<string>
  /** Files the filter was made from beside its spec; a change of one makes its pipeline anew. */
  readonly files?: readonly string[]
  /** Set while it stands in for something that could not be loaded; it is tried again. */
  readonly missing?: MissingPart
  /** What the admin API shows; JSON data. */
  status?(): unknown
  close?(): void | Promise<void>
}

/** One kind of filter: its schema is also its documentation. */
export interface FilterKind<
  K extends string = string,
  S extends z.ZodType = z.ZodType,
  R extends string = string,
> {
  readonly kind: K
  readonly description: string
  /** The results that may stand in `jumpIf`. */
  readonly results: readonly R[]
  /** True when one filter of the kind may have results of its own; they are known once it runs. */
  readonly hasOpenResults?: boolean
  /**
   * Absent: it needs a request in its namespace. `makes`: it puts one there; `ignores`: it works without.
   * So a namespace that is used before it is filled is found when the pipeline is read.
   */
  readonly requestUse?: 'makes' | 'ignores'
  /** The field that names a stored plugin: whether there is one is found when the configuration is read. */
  readonly pluginField?: string
  /** The field that names a module: what it declares is checked where it can be read without being run. */
  readonly codeField?: string
  /** One filter of the kind as it stands under `filters`, for the reference page; a test validates it. */
  readonly example: string
  /** In what it differs from Easegress, a sentence each, for the reference page. */
  readonly notes?: readonly string[]
  readonly spec: S
  /**
   * Makes a running filter. All parsing, compiling and connecting happens here, none of it per request.
   * `previous` is the same filter in the former generation, so that state may be carried over.
   */
  create(
    spec: z.output<S>,
    env: FilterEnv,
    previous?: Filter,
  ): Filter<NoInfer<R>> | Promise<Filter<NoInfer<R>>>
}

export function defineFilter<const K extends string, S extends z.ZodType, const R extends string>(
  kind: FilterKind<K, S, R>,
): FilterKind<K, S, R> {
  return Object.freeze(kind)
}
