import { z } from '../config/schema.ts'
import { FILTER_KINDS } from '../filters/builtin.ts'
import { POLICY_KINDS } from '../resilience/policies.ts'
import { OBJECT_SPECS } from './specs.ts'

type Schema = { [key: string]: unknown }

/** One kind of something: its schema and what it is for. */
interface Kind {
  readonly kind: string
  readonly description: string
  readonly spec: z.ZodType
}

/**
 * The JSON Schema (draft 7, which editors know best) of one document of a configuration, made from the
 * schemas that check it. It is more lenient where a check knows more: a value may be a reference,
 * `${env:NAME}`, and rules across fields are not in it.
 */
export function configSchema(): Schema {
  const definitions: Schema = {
    ...definitionsOf('object', OBJECT_SPECS),
    ...definitionsOf('filter', FILTER_KINDS, true),
    ...definitionsOf('policy', POLICY_KINDS, true),
    filter: choiceOf('filter', FILTER_KINDS),
    policy: choiceOf('policy', POLICY_KINDS),
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Penstock configuration',
    ...choiceOf('object', OBJECT_SPECS),
    definitions,
  }
}

/** As text, a line for each definition: short, and a change of one shows as one. */
export function configSchemaText(): string {
  const { definitions, ...head } = configSchema()
  const lines = Object.entries(definitions as Schema).map(
    ([name, schema]) => `    ${JSON.stringify(name)}: ${JSON.stringify(schema)}`,
  )
  const start = JSON.stringify(head).replace(/\}$/, '')
  return `${start},\n  "definitions": {\n${lines.join(',\n')}\n  }\n}\n`
}

/** With `isPart`: the schema of the kind leaves name, kind and the like to the pipeline that holds it. */
function definitionsOf(prefix: string, kinds: readonly Kind[], isPart = false): Schema {
  return Object.fromEntries(
    kinds.map((one) => {
      const schema = withNothing(lenient(jsonSchemaOf(one.spec))) as Schema
      const properties = {
        ...(isPart ? { name: NAME, kind: { const: one.kind }, ...IGNORED } : {}),
        ...(schema['properties'] as Schema | undefined),
      }
      const own = isPart ? ['name', 'kind'] : []
      const required = [...own, ...((schema['required'] as string[] | undefined) ?? [])]
      const full = { ...schema, description: one.description, properties, required }
      return [`${prefix}.${one.kind}`, withLists(full)]
    }),
  )
}

const NAME = { type: 'string', description: 'Unique among its neighbors.' }

/** What is in PART_FIELDS beside name and kind. */
const IGNORED = {
  version: { description: 'Accepted and ignored.' },
  labels: { description: 'Accepted and ignored.' },
  createdAt: { description: 'Accepted and ignored.' },
}

/** Which schema holds is decided by `kind`: an editor then speaks of that one alone. */
function choiceOf(prefix: string, kinds: readonly Kind[]): Schema {
  return {
    type: 'object',
    required: ['name', 'kind'],
    properties: { kind: { enum: kinds.map(({ kind }) => kind) } },
    allOf: kinds.map(({ kind }) => ({
      if: { required: ['kind'], properties: { kind: { const: kind } } },
      // biome-ignore lint/suspicious/noThenProperty: that is what the schema language calls it
      then: { $ref: `#/definitions/${prefix}.${kind}` },
    })),
  }
}

function jsonSchemaOf(spec: z.ZodType): unknown {
  const schema = z.toJSONSchema(spec, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    // What stands twice is written twice: the file is for programs.
    reused: 'inline',
  })
  const { $schema: _, definitions: __, ...rest } = schema
  return withoutRecursion(rest)
}

/** A value that may hold itself, which is any JSON, would need a definition of its own: any value will do. */
function withoutRecursion(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutRecursion)
  if (typeof schema !== 'object' || schema === null) return schema
  if (String(Reflect.get(schema, '$ref')).startsWith('#/definitions/__schema')) return {}
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withoutRecursion(value)]),
  )
}

/** Numbers and flags may be references, which are text until they are replaced. */
function lenient(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lenient)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, lenient(value)]),
  )
  const { type, description, default: value, ...rest } = copy
  if (type !== 'integer' && type !== 'number' && type !== 'boolean') return copy
  const both = {
    anyOf: [
      { type, ...rest },
      { type: 'string', pattern: '\\$\\{' },
    ],
  }
  return {
    ...(description === undefined ? {} : { description }),
    ...(value === undefined ? {} : { default: value }),
    ...both,
  }
}

/** A field with nothing in it (`path:`) counts as left out, so one that may be left out may have nothing. */
function withNothing(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withNothing)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withNothing(value)] as const),
  )
  const { properties, required, additionalProperties } = copy as Schema
  if (isSchema(properties)) {
    const needed = (required ?? []) as string[]
    copy['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [
        name,
        needed.includes(name) ? field : orNothing(field as Schema),
      ]),
    )
  }
  if (isSchema(additionalProperties)) copy['additionalProperties'] = orNothing(additionalProperties)
  return copy
}

function orNothing(field: Schema): Schema {
  const { type, enum: values, const: only, anyOf } = field
  if (Array.isArray(anyOf)) return { ...field, anyOf: [...anyOf, { type: 'null' }] }
  const widened = typeof type === 'string' ? { ...field, type: [type, 'null'] } : field
  if (Array.isArray(values)) return { ...widened, enum: [...values, null] }
  if (only === undefined) return widened
  const { const: _, ...rest } = widened
  return { ...rest, enum: [only, null] }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null
}

/** Lists of filters and of policies refer to the choice among them. */
function withLists(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withLists)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withLists(value)] as const),
  )
  const properties = copy['properties']
  if (typeof properties !== 'object' || properties === null) return copy
  const lists = { filters: 'filter', resilience: 'policy' }
  for (const [name, definition] of Object.entries(lists)) {
    const list = (properties as Schema)[name]
    if (typeof list === 'object' && list !== null && 'items' in list) {
      ;(properties as Schema)[name] = { ...list, items: { $ref: `#/definitions/${definition}` } }
    }
  }
  return copy
}
