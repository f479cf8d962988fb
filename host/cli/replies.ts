import { z } from '../config/schema.ts'

// What the admin API answers, as far as the commands read it. Loose: a newer gateway may say more.

/** An object as it was written. */
export const objectSchema = z.looseObject({ kind: z.string(), name: z.string() })
export type ObjectReply = z.output<typeof objectSchema>

export const objectsSchema = z.array(objectSchema)

export const statusSchema = z.looseObject({
  kind: z.string(),
  name: z.string(),
  state: z.string(),
  generation: z.number(),
  error: z.string().nullable(),
  source: z.string().nullable(),
})
export type StatusReply = z.output<typeof statusSchema>

export const statusesSchema = z.array(statusSchema)

export const kindsSchema = z.array(z.string())

export const gatewaySchema = z.looseObject({
  version: z.string(),
  revision: z.number(),
  isReady: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), ok: z.boolean(), reason: z.string() })),
})

export const outcomeSchema = z.looseObject({
  created: z.array(z.string()),
  updated: z.array(z.string()),
  deleted: z.array(z.string()),
  durationMs: z.number(),
})

export const pushSchema = z.looseObject({
  digest: z.string(),
  previousDigest: z.string(),
  pipeline: z.string(),
  filter: z.string(),
  percent: z.number().nullish(),
  durationMs: z.number(),
})

export const sourceMapSchema = z.looseObject({ digest: z.string(), bytes: z.number() })

export const storedOutcomeSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  isNew: z.boolean(),
  promoted: z.string(),
  percent: z.number().nullable(),
  reloaded: z.array(z.string()),
})
export type StoredOutcomeReply = z.output<typeof storedOutcomeSchema>

export const removedSchema = z.looseObject({ removed: z.array(z.string()) })

const trialSchema = z.looseObject({
  subject: z.string(),
  digest: z.string(),
  version: z.string().nullable(),
  percent: z.number(),
  sticky: z.string(),
  state: z.string(),
  requests: z.number(),
})
export type TrialReply = z.output<typeof trialSchema>

/** One plugin in one filter. */
const pluginSchema = z.looseObject({
  pipeline: z.string(),
  filter: z.string(),
  detail: z.looseObject({
    plugin: z.string(),
    version: z.string().nullable(),
    digest: z.string(),
    origin: z.string(),
    numOfRequest: z.number(),
    numOfWasmError: z.number(),
  }),
  trial: trialSchema.nullish(),
  history: z.array(
    z.looseObject({
      digest: z.string(),
      version: z.string().nullish(),
      at: z.string(),
      by: z.string().optional(),
      reason: z.string().optional(),
      withdrawn: z.string().nullable(),
    }),
  ),
})

export type PluginReply = z.output<typeof pluginSchema>

export const pluginsSchema = z.array(pluginSchema)

const storedPluginSchema = z.looseObject({
  name: z.string(),
  promoted: z.string(),
  trial: trialSchema.nullable(),
  versions: z.array(
    z.looseObject({
      version: z.string(),
      digest: z.string(),
      bytes: z.number(),
      at: z.string(),
      by: z.string(),
      isPromoted: z.boolean(),
      withdrawn: z.string().nullable(),
      usedBy: z.array(z.string()),
      pinnedBy: z.array(z.string()),
    }),
  ),
  history: z.array(
    z.looseObject({
      action: z.string(),
      version: z.string(),
      at: z.string(),
      by: z.string(),
      reason: z.string(),
    }),
  ),
})

export const storedPluginsSchema = z.array(storedPluginSchema)

export const inspectedSchema = z.looseObject({
  module: z.looseObject({
    digest: z.string(),
    bytes: z.number(),
    name: z.string().nullable(),
    version: z.string().nullable(),
    abi: z.string(),
    sdk: z.string().nullable(),
    phases: z.array(z.string()),
    body: z.looseObject({ request: z.string(), response: z.string(), limit: z.number() }),
    results: z.array(z.string()),
    parameters: z.record(
      z.string(),
      z.looseObject({
        type: z.string(),
        required: z.boolean(),
        default: z.union([z.string(), z.number(), z.boolean()]).optional(),
      }),
    ),
    imports: z.array(z.string()),
    limits: z.looseObject({ memoryPages: z.number().nullable() }),
    asks: z.record(z.string(), z.unknown()),
    canReset: z.boolean(),
    // A gateway from before maps were kept does not say.
    sourceMap: z.string().nullish(),
    notes: z.array(z.string()),
  }),
  running: pluginSchema.nullable(),
  stored: storedPluginSchema.nullable(),
})
export type InspectedReply = z.output<typeof inspectedSchema>
