import { nearest } from '../../config/nearest.ts'
import { EASEGRESS_OBJECT_KINDS } from '../object.ts'
import { EASEGRESS_FILTER_KINDS } from '../pipeline-spec.ts'
import { type Field, fieldsOf } from './fields.ts'
import { type ReferenceKind, referenceKinds } from './kinds.ts'

/** What `KIND.field.field` leads to: a kind with all its fields, or one field with those inside it. */
export interface Found {
  readonly kind: ReferenceKind
  /** Null when only the kind was asked for. */
  readonly field: Field | null
  readonly fields: readonly Field[]
}

/** Why a word leads nowhere. */
export interface NotFound {
  readonly reason: string
}

/**
 * Looks a kind or one of its fields up: `RateLimiter`, `Proxy.pools.timeout`. Upper and lower case of the
 * kind are the same, and `[]` may be left out.
 */
export function lookup(words: string): Found | NotFound {
  const [name = '', ...steps] = words.split('.')
  const kinds = referenceKinds()
  const kind = kinds.find((one) => one.kind.toLowerCase() === name.toLowerCase())
  if (kind === undefined) return { reason: unknownKind(name, kinds) }
  const all = fieldsOf(kind)
  const wanted = stepsOf(steps.join('.'))
  if (wanted.length === 0) return { kind, field: null, fields: all }
  const fields = all.filter(({ path }) => begins(stepsOf(path), wanted))
  const field = fields.find(({ path }) => stepsOf(path).length === wanted.length)
  if (field !== undefined) return { kind, field, fields: fields.filter((one) => one !== field) }
  const elsewhere = all.find(({ path, see }) => see !== null && begins(wanted, stepsOf(path)))
  if (elsewhere?.see != null) {
    const rest = wanted.slice(stepsOf(elsewhere.path).length)
    return lookup([elsewhere.see, ...rest].join('.'))
  }
  return { reason: unknownField(kind.kind, all, wanted) }
}

/** Kinds of Easegress that come later, by name. */
export function laterKinds(): readonly string[] {
  const known = new Set(referenceKinds().map(({ kind }) => kind))
  return [...EASEGRESS_OBJECT_KINDS, ...EASEGRESS_FILTER_KINDS]
    .filter((kind) => !known.has(kind))
    .toSorted()
}

function unknownKind(name: string, kinds: readonly ReferenceKind[]): string {
  const later = laterKinds().find((one) => one.toLowerCase() === name.toLowerCase())
  if (later !== undefined) return `the kind "${later}" is not supported yet`
  const near = nearest(
    name,
    kinds.map(({ kind }) => kind),
  )
  return `there is no kind "${name}"${hint(near)}`
}

/** Says at which step the way ends, and what it may be there. */
function unknownField(kind: string, all: readonly Field[], wanted: readonly string[]): string {
  let depth = wanted.length - 1
  const isKnown = (count: number): boolean =>
    all.some(({ path }) => begins(stepsOf(path), wanted.slice(0, count)))
  while (depth > 0 && !isKnown(depth)) depth -= 1
  const before = wanted.slice(0, depth)
  const neighbors = all.flatMap(({ path }) => {
    const steps = stepsOf(path)
    return begins(steps, before) && steps.length === depth + 1 ? [steps[depth] ?? ''] : []
  })
  const owner = [kind, ...before].join('.')
  if (neighbors.length === 0) return `${owner} has no fields inside`
  const word = wanted[depth] ?? ''
  return `${owner} has no field "${word}"${hint(nearest(word, neighbors))}: it has ${neighbors.join(', ')}`
}

function hint(near: string | null): string {
  return near === null ? '' : ` (did you mean "${near}"?)`
}

/** `pools[].servers[0].url` is `pools`, `servers`, `url`. */
function stepsOf(path: string): string[] {
  return path
    .replace(/\[\d*\]/g, '')
    .split('.')
    .filter((step) => step !== '')
}

/** A `*` of the path stands for any name. */
function begins(path: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((step, index) => path[index] === step || path[index] === '*')
}
