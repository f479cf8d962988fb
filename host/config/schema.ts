import { z } from 'zod'

// Code that is made for each object to check it faster takes 2 MB, for an eighth of the time to load 10,000 routes; and
// a gateway has no need of `eval`.
z.config({ jitless: true })

/** The only importer of zod: every spec is built from what this file exports. */
export { z }

/**
 * A duration as Go writes it (`100ms`, `1.5s`, `1m30s`, `2h`); the output is milliseconds.
 * A bare `0` is allowed, any other bare number is not: its unit would be a guess.
 */
export function duration() {
  return z
    .union([z.string(), z.literal(0)], {
      error: 'a duration is text: a number and a unit, such as "100ms" or "10s"',
    })
    .meta({ title: 'duration', examples: ['100ms', '10s', '1m30s'] })
    .transform((text, context) => {
      const ms = parseDuration(String(text))
      if (ms === undefined) {
        context.addIssue({ code: 'custom', params: wants('a duration such as "100ms" or "10s"') })
        return z.NEVER
      }
      return ms
    })
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds, or undefined when the text is no duration. Source of the grammar: Go's time.ParseDuration. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNITS[unit ?? ''] ?? 0)
  }
  return total
}

/** A name that can stand in a URL: what Easegress allows for objects and filters. */
export function name() {
  return z
    .string()
    .regex(/^[A-Za-z0-9\-_.~]{1,253}$/, 'a name has 1 to 253 letters, digits or - _ . ~')
}

/**
 * `params` of a custom issue: what the field wants, as the end of "`timeout` takes …". The value seen is
 * added where the message is made, unless it is a secret.
 */
export function wants(what: string): { readonly want: string } {
  return { want: what }
}

/**
 * Fields that Easegress has and Penstock does not have yet, for a strict object. A value that turns the
 * field off (false, 0, nothing, empty) is accepted, so that configurations that say so work unchanged;
 * any other value is the error "`http3` is not supported yet: …", which ends with what to do meanwhile.
 *
 * @example z.strictObject({ port: port(), ...notYet({ http3: 'clients speak HTTP/2 over `https`' }) })
 */
export function notYet<const K extends string>(remedies: Readonly<Record<K, string>>): NotYet<K> {
  const fields = Object.entries<string>(remedies).map(
    ([field, remedy]) => [field, unsupported(field, remedy)] as const,
  )
  // Object.fromEntries forgets the names of the fields.
  return Object.fromEntries(fields) as NotYet<K>
}

type NotYet<K extends string> = Record<K, ReturnType<typeof unsupported>>

function unsupported(field: string, remedy: string) {
  return z
    .custom<undefined>(isOff, {
      message: `\`${field}\` is not supported yet: ${remedy}`,
      params: { at: 'key' },
    })
    .transform(() => undefined)
    .optional()
    .meta({
      title: 'nothing yet',
      description: `Not supported yet: ${remedy}. Only a value that turns it off is accepted.`,
    })
}

function isOff(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === undefined || value === null || value === false || value === 0 || value === ''
}

/**
 * One of `values`; `later` are values that come some day, each with what to do meanwhile: such a one is the
 * error "`isolation: process` is not supported yet: …" in place of a list of those there are.
 *
 * @example choice('isolation', ['worker', 'inline'], { process: 'use `worker`' })
 */
export function choice<const V extends string>(
  field: string,
  values: readonly V[],
  later: Readonly<Record<string, string>>,
) {
  return z.enum(values, {
    error: ({ input }) => {
      const isLater = typeof input === 'string' && Object.hasOwn(later, input)
      const remedy = isLater ? later[input] : undefined
      // Undefined leaves it to the wording that every other value gets.
      return remedy === undefined
        ? undefined
        : `\`${field}: ${input}\` is not supported yet: ${remedy}`
    },
  })
}

/** Text that is not empty. */
export function text() {
  return z.string().min(1)
}

/** What every object has beside its own fields (Easegress: MetaSpec). */
export function objectFields<const K extends string>(kind: K) {
  return {
    name: name().describe('Unique among all objects, of whatever kind.'),
    kind: z.literal(kind).describe('The kind of the object.'),
    version: z.string().optional().describe('Accepted and ignored.'),
    labels: z
      .record(z.string(), z.string())
      .default({})
      .describe('Texts to find and group objects by.'),
    createdAt: z.string().optional().describe('Accepted and ignored.'),
  }
}
