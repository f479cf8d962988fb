import { duration, z } from '../../../config/schema.ts'
import type { InstanceRecord } from '../instance.ts'

/** Speaks to one kind of registry: what a new kind has to implement. */
export interface ServiceRegistryDriver {
  /**
   * The instances that may get requests now; none when the registry does not know the service. Takes a
   * bounded time, and ends when `signal` is aborted. Fails with UPSTREAM_REGISTRY when the registry does
   * not say: then what was found last is used on.
   */
  list(service: string, signal: AbortSignal): Promise<readonly InstanceRecord[]>
  /** Closes every connection. Called once, and nothing is asked afterwards. */
  close(): void | Promise<void>
}

/** One kind of registry: its fields, their documentation and its driver in one place. */
export interface RegistryKind<K extends string = string, S extends z.ZodObject = z.ZodObject> {
  readonly kind: K
  readonly description: string
  /** A configuration with one registry of the kind and a pool that uses it. */
  readonly example: string
  /** In what it differs from Easegress, a sentence each. */
  readonly notes?: readonly string[]
  /** The fields beside those that every object has. */
  readonly spec: S
  /** What its status calls the instances of each service. Default `instancesNum`. */
  readonly countField?: string
  /** Milliseconds between two looks. */
  interval(spec: z.output<S>): number
  /** Connects to nothing yet. */
  create(spec: z.output<S>): ServiceRegistryDriver
}

export function defineRegistry<const K extends string, S extends z.ZodObject>(
  kind: RegistryKind<K, S>,
): RegistryKind<K, S> {
  return Object.freeze(kind)
}

/** The shortest time between two looks at a service, in milliseconds. */
export const MIN_SYNC_INTERVAL_MS = 100

/** Time between two looks. */
export function syncInterval() {
  return duration()
    .refine((ms) => ms >= MIN_SYNC_INTERVAL_MS, `takes at least ${MIN_SYNC_INTERVAL_MS}ms`)
    .prefault('10s')
}

/** An http or https address; `base` puts what is written into a URL. */
export function address(example: string, base: (text: string) => string = (text) => text) {
  return z.string().superRefine((text, context) => {
    const url = URL.canParse(base(text)) ? new URL(base(text)) : null
    if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return
    context.addIssue({ code: 'custom', message: `must be an address such as ${example}` })
  })
}
