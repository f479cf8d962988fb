import type { JsonSchema } from './fields.ts'

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  null: 'nothing',
}

/** What a field takes, in words, from its JSON Schema. */
export function fieldType(schema: JsonSchema): string {
  // Alternatives of which one is a number: only what a person writes is told.
  const { title } = schema
  if (title === 'duration' || title === 'nothing yet') return title
  if ('const' in schema) return JSON.stringify(schema['const'])
  const { enum: values, anyOf, type, items, additionalProperties } = schema
  if (Array.isArray(values)) return oneOf(values.map((one) => JSON.stringify(one)))
  if (Array.isArray(type)) return type.map((one) => NAMES[String(one)] ?? 'any value').join(' or ')
  if (Array.isArray(anyOf)) return choices(anyOf as JsonSchema[])
  if (Array.isArray(items)) return `list of ${(items as JsonSchema[]).map(fieldType).join(' and ')}`
  if (type === 'array') return `list of ${plural(items as JsonSchema | undefined)}`
  if (type === 'object')
    return isOpen(schema) ? mapOf(additionalProperties as JsonSchema) : 'object'
  if (type === 'integer' || type === 'number') return `${NAMES[type]}${range(schema)}`
  return NAMES[String(type)] ?? 'any value'
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`
}

function plural(items: JsonSchema | undefined): string {
  const type = items === undefined ? 'any value' : fieldType(items)
  if (type === 'object') return 'objects'
  return type.replace(/^list of/, 'lists of')
}

/** A map has no fields of its own, only values that are alike. */
function isOpen(schema: JsonSchema): boolean {
  return schema['properties'] === undefined && typeof schema['additionalProperties'] === 'object'
}

function mapOf(values: JsonSchema): string {
  return `map of ${plural(values)}`
}

function choices(all: readonly JsonSchema[]): string {
  const types = new Set(all.map(fieldType))
  // Empty text is a text too.
  if (types.has('text')) types.delete('""')
  return [...types].join(' or ')
}

function range(schema: JsonSchema): string {
  const least = bound(schema['minimum'])
  const most = bound(schema['maximum'])
  if (least !== null && most !== null) return ` from ${least} to ${most}`
  if (least !== null) return `, at least ${least}`
  return most === null ? '' : `, at most ${most}`
}

/** The limits of JavaScript's whole numbers are no limits of a field. */
function bound(value: unknown): number | null {
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : null
}
