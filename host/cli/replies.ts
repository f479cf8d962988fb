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
  durationMs: z.number(),
})

/** One plugin in one filter. */
export const pluginsSchema = z.array(
  z.object({
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
    history: z.array(
      z.object({ digest: z.string(), at: z.string(), withdrawn: z.string().nullable() }),
    ),
  }),
)
