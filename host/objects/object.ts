import type { Problem } from '../config/issues.ts'
import type { JsonObject, JsonPath } from '../config/json.ts'
import type { z } from '../config/schema.ts'
import type { ModuleFacts } from './module-check.ts'

/** Order of starting; closing goes the other way. */
export type ObjectCategory = 'controller' | 'pipeline' | 'gate'

/** Versions of stored plugins, by name. */
export type StoredNames = ReadonlyMap<string, readonly string[]>

/** What checking a pipeline needs to know of a filter kind; every FilterKind has it. */
export interface FilterKindFacts {
  readonly kind: string
  readonly results: readonly string[]
  /** True when one filter of the kind may have results of its own, known only once it runs. */
  readonly hasOpenResults?: boolean
  /** What it does with the request of its namespace beside using it, which is the rule. */
  readonly requestUse?: 'makes' | 'ignores'
  /** The field that names a stored plugin, of kinds that have one. */
  readonly pluginField?: string
  /** The field that names a module, of kinds that have one. */
  readonly codeField?: string
  /** The fields beside `name` and `kind`. */
  readonly spec: z.ZodType
}

/** What a check of one object may ask and say. */
export interface CheckContext {
  readonly filterKinds: readonly FilterKindFacts[]
  /** Null where the store is not at hand. */
  readonly storedPlugins: StoredNames | null
  /**
   * What a module says of itself, by the field that names it; null when it cannot be read now. Absent where modules
   * are opened right after the check, which tells the same.
   */
  readonly moduleOf?: ((code: string) => ModuleFacts | null) | undefined
  /** The kind of the object of this name, new or running; undefined when there is none. */
  kindOf(name: string): string | undefined
  /** The names of all objects of a kind, new or running. */
  namesOf(kind: string): readonly string[]
  /**
   * False when a part of the configuration could not be read: an object that seems to be missing may
   * stand there.
   */
  readonly isComplete: boolean
  report(problem: Problem): void
  /** `line 12` of the text, or the path for data without a text: for messages that name a second place. */
  placeOf(path: JsonPath): string
  /** Checks a part of the document, less some of its fields; problems are reported. */
  parse<S extends z.ZodType>(
    schema: S,
    path: JsonPath,
    omit?: readonly string[],
  ): z.output<S> | undefined
}

/** One kind of object: what its document holds, and the rules that go beyond a schema. */
export interface ObjectKind<
  K extends string = string,
  S extends z.ZodType = z.ZodType,
  P extends object = object,
> {
  readonly kind: K
  readonly description: string
  readonly category: ObjectCategory
  /** A configuration with one object of the kind, for the reference page; a test validates it. */
  readonly example: string
  /** In what it differs from Easegress, a sentence each, for the reference page. */
  readonly notes?: readonly string[]
  /** The whole document, `name` and `kind` included. */
  readonly spec: S
  /**
   * Rules across fields and objects. It runs whether the schema is met or not, so that all problems come
   * at once: the shape of `data` is not guaranteed, and what has the wrong shape is passed over, the
   * schema reports it. The parts it answers replace those of the schema's output.
   */
  check?(data: JsonObject, context: CheckContext): P
}

/** The valid spec of a kind: the schema's output with the parts that `check` answers. */
export type SpecOf<K extends ObjectKind> =
  K extends ObjectKind<string, infer S, infer P> ? Omit<z.output<S>, keyof P> & P : never

export function defineObject<
  const K extends string,
  S extends z.ZodType,
  P extends object = object,
>(kind: ObjectKind<K, S, P>): ObjectKind<K, S, P> {
  return Object.freeze(kind)
}

/** Kinds of objects that Easegress has: using one is a wish, not a slip. */
export const EASEGRESS_OBJECT_KINDS: readonly string[] = [
  'AIGatewayController',
  'EaseMonitorMetrics',
  'FaaSController',
  'GRPCServer',
  'GatewayController',
  'IngressController',
  'MQTTProxy',
  'MeshController',
  'WAFController',
]
