import type { RunState } from '../run-state.ts'
import { runError } from '../template-error.ts'
import {
  asDict,
  asText,
  type Dict,
  GoFloat,
  isBytes,
  isList,
  jsonNumberText,
  RawText,
  typeOf,
  type Value,
} from '../value.ts'

/** A function of templates. `call` gets at least `min` and at most `max` values. */
export interface TemplateFunction {
  readonly min: number
  readonly max: number
  readonly call: (args: readonly Value[], state: RunState) => Value
}

/** What an argument must be, and what the function gets. */
interface Kinds {
  any: Value
  text: string
  /** Text as its bytes. */
  bytes: Buffer
  /** A whole number that fits. */
  int: number
  bool: boolean
  dict: Dict
  list: readonly Value[]
}

type Kind = keyof Kinds
type Args<P extends readonly Kind[]> = { -readonly [I in keyof P]: Kinds[P[I] & Kind] }

/** A function with a fixed number of arguments. */
export function fn<const P extends readonly Kind[]>(
  kinds: P,
  body: (...args: Args<P>) => Value,
): TemplateFunction {
  return {
    min: kinds.length,
    max: kinds.length,
    // The converted list has exactly the types that `kinds` names.
    call: (args) => body(...(convertAll(kinds, args) as Args<P>)),
  }
}

/** A function with a fixed number of arguments that works on the run: it takes long, or it logs. */
export function runFn<const P extends readonly Kind[]>(
  kinds: P,
  body: (state: RunState, ...args: Args<P>) => Value,
): TemplateFunction {
  return {
    min: kinds.length,
    max: kinds.length,
    call: (args, state) => body(state, ...(convertAll(kinds, args) as Args<P>)),
  }
}

/** A function with any number of further arguments. */
export function restFn<const P extends readonly Kind[]>(
  kinds: P,
  body: (fixed: Args<P>, rest: readonly Value[], state: RunState) => Value,
  max = Number.POSITIVE_INFINITY,
): TemplateFunction {
  return {
    min: kinds.length,
    max,
    call: (args, state) =>
      body(convertAll(kinds, args) as Args<P>, args.slice(kinds.length), state),
  }
}

function convertAll(kinds: readonly Kind[], args: readonly Value[]): unknown[] {
  return kinds.map((kind, index) => convert(kind, args[index]))
}

function convert(kind: Kind, value: Value): unknown {
  switch (kind) {
    case 'any':
      return value
    case 'text':
      return textOf(value)
    case 'bytes':
      return value instanceof RawText ? value.bytes : Buffer.from(textOf(value), 'utf8')
    case 'int':
      return intOf(value)
    case 'bool':
      if (typeof value === 'boolean') return value
      throw mismatch('a boolean', value)
    case 'dict':
      return dictOf(value)
    case 'list':
      return listOf(value)
  }
}

export function textOf(value: Value): string {
  const text = asText(value)
  if (text === null) throw mismatch('text', value)
  return text
}

export function intOf(value: Value): number {
  const text = jsonNumberText(value)
  const number =
    typeof value === 'bigint'
      ? Number(value)
      : value instanceof GoFloat
        ? value.value
        : text === null
          ? Number.NaN
          : Number(text)
  if (!Number.isSafeInteger(number)) throw mismatch('a whole number', value)
  return number
}

export function dictOf(value: Value): Dict {
  const dict = asDict(value)
  if (dict === null) throw mismatch('a map', value)
  return dict
}

export function listOf(value: Value): readonly Value[] {
  if (isList(value)) return value
  if (isBytes(value)) return Array.from(value, BigInt)
  throw mismatch('a list', value)
}

export function mismatch(wanted: string, value: Value): Error {
  const seen = value === undefined ? 'no value' : typeOf(value)
  return runError(`expected ${wanted}, got ${seen}`)
}
