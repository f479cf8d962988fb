import { formatIssue } from '../../host/config/issues.ts'
import { duration, z } from '../../host/config/schema.ts'
import { type Validated, validateSources } from '../../host/control/validate.ts'
import type { FilterKindFacts } from '../../host/objects/object.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'

/** Kinds of filters that the documents of these tests may use. */
export const filterKinds: readonly FilterKindFacts[] = [
  {
    kind: 'Gate',
    results: ['closed', 'timeout'],
    spec: z.strictObject({
      limit: z.int().min(1).default(50),
      period: duration().prefault('10ms'),
    }),
  },
  { kind: 'Note', results: [], spec: z.strictObject({ text: z.string() }) },
  { kind: 'Guest', results: ['wasmError'], hasOpenResults: true, spec: z.strictObject({}) },
]

/** Objects that run already. */
const known = [
  { kind: 'Pipeline', name: 'running' },
  { kind: 'HTTPServer', name: 'front' },
]

/** Validates files, by name, in an environment. */
export function run(files: Record<string, string>, env: Record<string, string> = {}): Validated {
  const sources = Object.entries(files).map(([file, text]) => ({ file, baseDir: '/conf', text }))
  const lookups = { env, readFile: null }
  return validateSources({ sources, kinds: OBJECT_SPECS, filterKinds, known, lookups })
}

/** The problems of one text, as `line:column: error: …`. */
export function linesOf(text: string, env: Record<string, string> = {}): string[] {
  return run({ 'g.yaml': text }, env).issues.map((issue) =>
    formatIssue(issue).replace(/^g\.yaml:/, ''),
  )
}

export const pipeline = (rest: string): string => `name: demo\nkind: Pipeline\n${rest}`

export const server = (rest: string): string => `name: s\nkind: HTTPServer\nport: 10080\n${rest}`

/** The filters of most of the pipelines. */
export const filters =
  'filters:\n  - { name: a, kind: Gate }\n  - { name: b, kind: Note, text: x }\n'
