import type { Problem } from './issues.ts'
import { type JsonObject, type JsonPath, pathKey, setValueAt, valueAt } from './json.ts'
import { nearest } from './nearest.ts'
import { z } from './schema.ts'
import { describeIssue, fieldName, type Seen } from './wording.ts'

/** A document's data on the way to a spec: what interpolation put in, and what it could not find. */
export interface SpecData {
  /** Changed in place where a text that was put in turns out to be a number or a boolean. */
  readonly data: JsonObject
  readonly written: ReadonlyMap<string, string>
  readonly secret: ReadonlySet<string>
  readonly missing: ReadonlySet<string>
  /** True for a configuration that moves here: fields nobody knows are warnings, and are left out. */
  readonly ignoresUnknownFields?: boolean
}

export interface SpecChecked<T> {
  /** Undefined when there is a problem. */
  readonly output: T | undefined
  readonly problems: readonly Problem[]
}

/** Values shorter than this are not looked for in messages: they would be found in any word. */
const MIN_SECRET_LENGTH = 4

/**
 * Checks the part of a document at `path` against a schema and reports every problem, each with its path
 * from the root. `omit` names fields of that part that the schema does not know.
 *
 * A field with nothing in it (`path:`, `path: null`) counts as left out, as in Easegress.
 * A text from `${…}` becomes a number or a boolean where the schema asks for one. No message holds a
 * value that came from `${…}`.
 */
export function checkSpec<S extends z.ZodType>(
  schema: S,
  target: SpecData,
  path: JsonPath = [],
  omit: readonly string[] = [],
): SpecChecked<z.output<S>> {
  const ignored: Problem[] = []
  const empty: JsonPath[] = []
  // Each round turns at least one text into something else, or takes a field away, so this ends.
  for (;;) {
    const knownFields: string[][] = []
    const value = without(valueAt(target.data, path), omit)
    const parsed = schema.safeParse(withoutEmpty(value, empty), {
      error: (issue) => placeholder(issue, knownFields),
    })
    if (parsed.success) return { output: parsed.data, problems: ignored }
    if (coerce(parsed.error.issues, target, path)) continue
    if (findEmpty(parsed.error.issues, value, empty)) continue
    if (target.ignoresUnknownFields === true) {
      const unknown = new Translator(target, knownFields)
      for (const issue of unknownFieldsOf(parsed.error.issues)) unknown.translate(issue, path)
      for (const problem of unknown.problems) ignored.push(ignore(problem, target))
      if (unknown.problems.length > 0) continue
    }
    const translator = new Translator(target, knownFields)
    for (const issue of parsed.error.issues) translator.translate(issue, path)
    // Only values that could not be looked up are wrong: that is reported already.
    return { output: undefined, problems: [...ignored, ...translator.problems] }
  }
}

/** Those of a union too: of its alternatives, the ones that only have fields too many. */
function unknownFieldsOf(issues: readonly Issue[]): Issue[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return [issue]
    if (issue.code !== 'invalid_union') return []
    const extra = issue.errors.find((errors) =>
      errors.every((one) => one.code === 'unrecognized_keys'),
    )
    return (extra ?? []).map((one) => ({ ...one, path: [...issue.path, ...one.path] }))
  })
}

/** Takes the field out of the document and turns the error into a warning. */
function ignore(problem: Problem, target: SpecData): Problem {
  const owner = valueAt(target.data, problem.path.slice(0, -1))
  const field = problem.path.at(-1)
  if (typeof owner === 'object' && owner !== null && field !== undefined) {
    Reflect.deleteProperty(owner, field)
  }
  return { ...problem, message: `${problem.message}: it is ignored`, severity: 'warning' }
}

/** `problem` with every secret of the document in it replaced by the text it was written as. */
export function redact(problem: Problem, target: SpecData): Problem {
  let message = problem.message
  let suggestion = problem.suggestion ?? null
  for (const [key, written] of target.written) {
    if (!target.secret.has(key) || target.missing.has(key)) continue
    const secret = String(valueAt(target.data, JSON.parse(key)))
    if (secret.length < MIN_SECRET_LENGTH) continue
    message = message.replaceAll(secret, written)
    if (suggestion?.includes(secret) === true) suggestion = null
  }
  return { ...problem, message, suggestion }
}

type Issue = z.core.$ZodIssue

/** Begins the messages that are ours to write; a schema's own message never begins so. */
const OURS = '\0'

/** Called for issues without a message of their own. Remembers what only the schema knows. */
function placeholder(issue: z.core.$ZodRawIssue, knownFields: string[][]): string {
  if (issue.code !== 'unrecognized_keys' || !(issue.inst instanceof z.ZodObject)) return OURS
  knownFields.push(Object.keys(issue.inst.shape))
  return `${OURS}${knownFields.length - 1}`
}

class Translator {
  readonly problems: Problem[] = []
  readonly #places = new Set<string>()
  readonly #target: SpecData
  readonly #knownFields: readonly (readonly string[])[]

  constructor(target: SpecData, knownFields: readonly (readonly string[])[]) {
    this.#target = target
    this.#knownFields = knownFields
  }

  translate(issue: Issue, base: JsonPath): void {
    const path = [...base, ...jsonPath(issue.path)]
    if (this.#target.missing.has(pathKey(path))) return
    switch (issue.code) {
      case 'unrecognized_keys':
        this.#unknownFields(issue, path)
        return
      case 'invalid_union':
        this.#union(issue, path)
        return
      case 'invalid_key':
        this.#add(issue.issues[0] ?? issue, path, 'key')
        return
      default:
        this.#add(issue, path, issue.code === 'custom' && isAtKey(issue) ? 'key' : 'value')
    }
  }

  #unknownFields(issue: z.core.$ZodIssueUnrecognizedKeys, path: JsonPath): void {
    const known = this.#knownFields[Number(issue.message.slice(OURS.length))] ?? []
    for (const key of issue.keys) {
      this.problems.push({
        path: [...path, key],
        at: 'key',
        message: `unknown field \`${key}\``,
        suggestion: nearest(key, known),
      })
    }
  }

  /** Reports the alternative that was meant: the one whose type fits, and of those the nearest. */
  #union(issue: z.core.$ZodIssueInvalidUnion, path: JsonPath): void {
    const fitting = issue.errors.filter((errors) => errors.every((one) => !isTypeMismatch(one)))
    const best = fitting.toSorted((a, b) => a.length - b.length)[0]
    if (best === undefined || !issue.message.startsWith(OURS)) this.#add(issue, path, 'value')
    else for (const one of best) this.translate(one, path)
  }

  #add(issue: Issue, path: JsonPath, at: 'key' | 'value'): void {
    // A value of the wrong type breaks other rules too: the first is the one to know.
    const place = `${at} ${pathKey(path)}`
    if (this.#places.has(place)) return
    this.#places.add(place)
    const key = pathKey(path)
    const written = this.#target.secret.has(key) ? this.#target.written.get(key) : undefined
    const value = at === 'key' ? path.at(-1) : valueAt(this.#target.data, path)
    const seen: Seen = { value, written: at === 'key' ? undefined : written }
    const isOwn = !issue.message.startsWith(OURS) && !hasWant(issue)
    let problem: Pick<Problem, 'message' | 'suggestion'> = { message: sentence(issue, path) }
    if (!isOwn) problem = describeIssue(issue, path, seen)
    // A schema's own message may hold any part of the value.
    else if (seen.written !== undefined) {
      problem = { message: `the value of "${seen.written}" is not valid here` }
    }
    this.problems.push({ path, at, suggestion: null, ...problem })
  }
}

/** A schema's own message may be the end of a sentence about its field: `is not a header name`. */
function sentence(issue: Issue, path: JsonPath): string {
  const isPredicate = /^(?:is|must|has|needs|takes|cannot) /.test(issue.message)
  return isPredicate ? `${fieldName(path)} ${issue.message}` : issue.message
}

function hasWant(issue: Issue): boolean {
  return issue.code === 'custom' && typeof issue.params?.['want'] === 'string'
}

function isAtKey(issue: z.core.$ZodIssueCustom): boolean {
  return issue.params?.['at'] === 'key'
}

function isTypeMismatch(issue: Issue): boolean {
  return (
    issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
  )
}

const NUMERIC = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i

/** Turns texts from `${…}` into what the schema asks for. True when it changed any. */
function coerce(issues: readonly Issue[], target: SpecData, base: JsonPath): boolean {
  let hasChanged = false
  for (const issue of issues) {
    const path = [...base, ...jsonPath(issue.path)]
    if (issue.code === 'invalid_union') {
      // Reported for the union as a whole; its parts have paths below it.
      for (const errors of issue.errors) {
        if (coerce(errors, target, path)) return true
      }
    }
    if (issue.code !== 'invalid_type') continue
    const key = pathKey(path)
    const value = valueAt(target.data, path)
    if (typeof value !== 'string' || !target.written.has(key) || target.missing.has(key)) continue
    const isNumber = issue.expected === 'number' || issue.expected === 'int'
    if (isNumber && NUMERIC.test(value)) setValueAt(target.data, path, Number(value))
    else if (issue.expected === 'boolean' && (value === 'true' || value === 'false')) {
      setValueAt(target.data, path, value === 'true')
    } else continue
    hasChanged = true
  }
  return hasChanged
}

function without(value: unknown, fields: readonly string[]): unknown {
  if (fields.length === 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !fields.includes(key)))
}

/** Adds the fields that are wrong because there is nothing in them. True when there are new ones. */
function findEmpty(issues: readonly Issue[], value: unknown, empty: JsonPath[]): boolean {
  const former = empty.length
  for (const issue of issues) {
    const path = jsonPath(issue.path)
    // An entry of a list without anything in it stays wrong: leaving it out would move the others.
    if (typeof path.at(-1) !== 'string' || valueAt(value, path) !== null) continue
    const key = pathKey(path)
    if (!empty.some((one) => pathKey(one) === key)) empty.push(path)
  }
  return empty.length > former
}

function withoutEmpty(value: unknown, empty: readonly JsonPath[]): unknown {
  if (empty.length === 0) return value
  const copy = structuredClone(value)
  for (const path of empty) {
    const owner = valueAt(copy, path.slice(0, -1))
    const field = path.at(-1)
    if (typeof owner === 'object' && owner !== null && field !== undefined) {
      Reflect.deleteProperty(owner, field)
    }
  }
  return copy
}

function jsonPath(path: readonly PropertyKey[]): JsonPath {
  return path.map((step) => (typeof step === 'number' ? step : String(step)))
}
