import { z } from '../../config/schema.ts'
import { fieldType } from './field-type.ts'
import type { ReferenceKind } from './kinds.ts'

/** One field of a kind, as a person writes it. */
export interface Field {
  /** `pools[].servers[].url`; `[]` stands for each entry of a list, `*` for each name of a map. */
  readonly path: string
  /** In words: `duration`, `list of text`, `one of "a", "b"`. */
  readonly type: string
  readonly isRequired: boolean
  /** As JSON; null when there is none. */
  readonly default: string | null
  readonly description: string
  /** Where the fields inside are told when they are those of another kind: `Proxy.pools`. */
  readonly see: string | null
}

export type JsonSchema = { readonly [key: string]: unknown }

const NAME: Field = {
  path: 'name',
  type: 'text',
  isRequired: true,
  default: null,
  description: 'Unique among its neighbors.',
  see: null,
}

/** Every field of a kind, those inside others after them, in the order of the schema. */
export function fieldsOf(kind: ReferenceKind): readonly Field[] {
  const schema = z.toJSONSchema(kind.spec, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as JsonSchema
  const fields = propertiesOf(schema, '')
  if (kind.group === 'object') return fields
  const own: Field = {
    path: 'kind',
    type: `"${kind.kind}"`,
    isRequired: true,
    default: null,
    description: `The kind of the ${kind.group}.`,
    see: null,
  }
  return [NAME, own, ...fields]
}

function propertiesOf(schema: JsonSchema, prefix: string): Field[] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>
  const required = (schema['required'] ?? []) as readonly string[]
  return Object.entries(properties).flatMap(([name, one]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    return [fieldOf(one, path, required.includes(name)), ...insideOf(one, path)]
  })
}

function fieldOf(schema: JsonSchema, path: string, isRequired: boolean): Field {
  const { default: value, description } = schema
  // Nothing is said by "{}": the fields inside have defaults of their own.
  const isShown = value !== undefined && JSON.stringify(value) !== '{}'
  return {
    path,
    type: fieldType(schema),
    isRequired: isRequired && value === undefined,
    default: isShown ? JSON.stringify(value) : null,
    description: typeof description === 'string' ? description : '',
    see: seeOf(schema),
  }
}

/** The fields of an object, of the entries of a list, of the values of a map, or of each choice. */
function insideOf(schema: JsonSchema, path: string): Field[] {
  if (seeOf(schema) !== null) return []
  const inner: Field[] = propertiesOf(schema, path)
  const { items, additionalProperties, anyOf } = schema
  if (isSchema(items)) inner.push(...insideOf(items, `${path}[]`))
  if (isSchema(additionalProperties)) inner.push(...insideOf(additionalProperties, `${path}.*`))
  if (Array.isArray(anyOf)) {
    for (const choice of anyOf) if (isSchema(choice)) inner.push(...insideOf(choice, path))
  }
  return inner
}

/** A schema that stands in several kinds says in which of them its fields are told. */
function seeOf(schema: JsonSchema): string | null {
  return typeof schema['x-see'] === 'string' ? schema['x-see'] : null
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
