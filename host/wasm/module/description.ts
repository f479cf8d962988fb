import { z } from '../../config/schema.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import type { Phase } from '../abi/abi-table.ts'
import { ABIS } from '../abi/builtin.ts'
import { detectAbi } from '../abi/detect-abi.ts'
import { customContent, type ModuleInfo } from './module-info.ts'

/** Bytes of the section; a description is a page of JSON, not a place for data. */
export const MAX_DESCRIPTION_BYTES = 64 * 1024

/** The largest body a plugin gets when it does not name a limit, in bytes. */
export const DEFAULT_BODY_LIMIT = 4 * 1024 * 1024

const SECTION = 'penstock'

/** Results that the host itself gives; a plugin cannot declare one of them. */
const HOST_RESULTS: readonly string[] = ['wasmError', 'outOfVM', 'replied']

const bodyNeed = z
  .enum(['none', 'bytes'], { error: 'must be "none" or "bytes" ("stream" is reserved)' })
  .default('none')

const PARAMETER_TYPES = ['string', 'integer', 'number', 'boolean'] as const
type ParameterType = (typeof PARAMETER_TYPES)[number]

const parameter = z
  .object({
    type: z.enum(PARAMETER_TYPES),
    required: z.boolean().default(false),
    default: z.union([z.string(), z.number(), z.boolean()]).optional(),
    description: z.string().max(1_000).optional(),
  })
  .refine((spec) => spec.default === undefined || hasType(spec.default, spec.type), {
    error: 'the default is not of the type',
    path: ['default'],
  })

const unique = (names: readonly string[]): boolean => new Set(names).size === names.length
const distinct = { error: 'a name stands twice' }

/**
 * Unknown fields are passed over, on purpose: the ABI only ever grows, so a plugin built with a
 * later SDK must load in an earlier host. What is known is strict. Nothing is lost in safety: a
 * field this host does not know cannot ask for anything, because a grant it does not know is denied.
 * Their names are kept for `plugin inspect`.
 */
const schema = z.object({
  abi: z.string().min(1).max(64),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'lower case letters, digits and . _ -'),
  version: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/, 'a version such as 1.0.0'),
  sdk: z.string().max(64).optional(),
  phases: z
    .array(z.enum(['request', 'response', 'done']))
    .min(1)
    .refine(unique, distinct),
  body: z
    .object({
      request: bodyNeed,
      response: bodyNeed,
      limit: z
        .int()
        .min(1)
        .max(1024 * 1024 * 1024)
        .default(DEFAULT_BODY_LIMIT),
    })
    .prefault({}),
  results: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/, 'a letter, then letters and digits')
        .refine((name) => !HOST_RESULTS.includes(name), 'the host itself gives this result'),
    )
    .max(100)
    .refine(unique, distinct)
    .default([]),
  shared: z.array(z.string().min(1).max(256)).max(64).refine(unique, distinct).default([]),
  parameters: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/), parameter).default({}),
  grant: z.record(z.string(), z.unknown()).default({}),
})

export type ParameterSpec = z.output<typeof parameter>
export type BodyNeed = 'none' | 'bytes'

/** What a module says about itself, or what can be known of one that says nothing. */
export interface PluginDescription {
  /** False when the module has no description and this one was made from its exports. */
  readonly isDeclared: boolean
  readonly abi: string
  readonly name: string | null
  readonly version: string | null
  readonly sdk: string | null
  readonly phases: readonly Phase[]
  /** It knows no phases: it runs once, at its place in the flow. */
  readonly runsOnce: boolean
  readonly body: { readonly request: BodyNeed; readonly response: BodyNeed; readonly limit: number }
  /** In the order of their numbers: the first is result 1. */
  readonly results: readonly string[]
  readonly shared: readonly string[]
  readonly parameters: Readonly<Record<string, ParameterSpec>>
  /** As asked for; what it means is decided where grants are resolved. */
  readonly grant: Readonly<Record<string, unknown>>
  /** Fields of a later SDK that this host does not know. */
  readonly unknownFields: readonly string[]
}

/**
 * Reads the custom section `penstock` of a module. What can be known of a module without one
 * is its ABI by imports and exports, its phases, and with some ABIs the bodies it reads. A section that is
 * wrong is GUEST_DESCRIPTION with every problem.
 */
export function readDescription(info: ModuleInfo): PluginDescription {
  const sections = info.customSections.filter((section) => section.name === SECTION)
  const [section] = sections
  if (section === undefined) return describeFromExports(info)
  if (sections.length > 1) throw wrong('it stands twice')
  if (section.size > MAX_DESCRIPTION_BYTES) {
    throw wrong(`${section.size} bytes, at most ${MAX_DESCRIPTION_BYTES}`)
  }
  const data = parseJson(customContent(info, section))
  const parsed = schema.safeParse(data)
  if (!parsed.success) throw wrong(parsed.error.issues.map(issueText).join('; '))
  const { sdk, ...known } = parsed.data
  const unknownFields = Object.keys(Object(data)).filter((key) => !Object.hasOwn(schema.shape, key))
  const abi = ABIS.find(({ table }) => table.name === known.abi)
  const runsOnce = abi?.table.runsOnce ?? false
  return { isDeclared: true, sdk: sdk ?? null, unknownFields, runsOnce, ...known }
}

function describeFromExports(info: ModuleInfo): PluginDescription {
  const abi = detectAbi(info)
  const exported = new Set(info.exports.map((entry) => entry.name))
  const phases = (['request', 'response', 'done'] as const).filter((phase) => {
    const name = abi.phases[phase]
    return name !== null && exported.has(name)
  })
  const reads = (call: string | null): BodyNeed =>
    info.imports.some((entry) => entry.module === abi.name && entry.name === call)
      ? 'bytes'
      : 'none'
  const { request, response } = abi.bodyReads
  return {
    isDeclared: false,
    abi: abi.name,
    name: null,
    version: null,
    sdk: null,
    phases,
    runsOnce: abi.runsOnce,
    body: { request: reads(request), response: reads(response), limit: DEFAULT_BODY_LIMIT },
    results: [],
    shared: [],
    parameters: {},
    grant: {},
    unknownFields: [],
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw wrong(reasonOf(error))
  }
}

function issueText(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.')
  return path === '' ? issue.message : `${path}: ${issue.message}`
}

function hasType(value: string | number | boolean, type: ParameterType): boolean {
  if (type === 'integer') return Number.isSafeInteger(value)
  return typeof value === type
}

function wrong(reason: string): GatewayError<'GUEST_DESCRIPTION'> {
  return new GatewayError('GUEST_DESCRIPTION', { reason })
}
