import { z } from '../../config/schema.ts'

/** A version on trial: it serves a share of what the stable version serves. */
export interface Canary {
  /** The module on trial. */
  readonly digest: string
  /** Its version, when it has one. */
  readonly version: string | null
  /** The reference of the filter it stands in for (see `referenceText`); null for a plugin's name. */
  readonly code: string | null
  /** Of the clients, more than 0 and at most 100. */
  readonly percent: number
  /** What keeps a client with one version: see `parseSticky`. */
  readonly sticky: string
  /** It is promoted when its gates have held for this long; null for never by itself. */
  readonly promoteAfterMs: number | null
  /** When the trial began, as an ISO text. */
  readonly at: string
  /** Who began it. */
  readonly by: string
  readonly reason: string
}

/** As it is kept on disk. */
export const canarySchema = z.object({
  digest: z.string(),
  version: z.string().nullable(),
  code: z.string().nullable(),
  percent: z.number().gt(0).max(100),
  sticky: z.string(),
  promoteAfterMs: z.number().nullable(),
  at: z.string(),
  by: z.string(),
  reason: z.string(),
})
