/*
 * What a test can pass to a function of a filter and get back: numbers, bool, strings, texts of the SDK,
 * and arrays of them.
 */

const NUMBERS = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'f32', 'f64', 'isize', 'usize'] as const
const BIG_NUMBERS = ['i64', 'u64'] as const
const ALIASES: Readonly<Record<string, string>> = { boolean: 'bool', number: 'f64' }

/** A type that can cross between a test and a module. */
export interface PassedType {
  readonly base: 'void' | 'number' | 'bigint' | 'bool' | 'string' | 'Text' | 'Uint8Array'
  /** As the language spells it: `i32`, `string`. */
  readonly name: string
  readonly isArray: boolean
  readonly isNullable: boolean
}

/** A function that can be called from a test. */
export interface FunctionShape {
  readonly name: string
  readonly parameters: readonly PassedType[]
  readonly returns: PassedType
}

/** The type of that name, or null for one that cannot cross. */
export function passedType(text: string): PassedType | null {
  const bare = text.replace(/\s+/g, '').replace(/\|null$/, '')
  const isNullable = bare.length < text.replace(/\s+/g, '').length
  const element = /^(?:Array<(\w+)>|(\w+)\[\])$/.exec(bare)
  const name = element?.[1] ?? element?.[2] ?? bare
  const spelled = ALIASES[name] ?? name
  const base = baseOf(spelled)
  const isArray = element !== null
  if (base === null || (isArray && (base === 'void' || base === 'Uint8Array'))) return null
  if (isNullable && !isArray && !['string', 'Text', 'Uint8Array'].includes(base)) return null
  return { base, name: spelled, isArray, isNullable }
}

/** The name of the exported constant with the runtime's number of an array type: `idof_string_array`. */
export function idName(type: PassedType): string | null {
  if (type.isArray) return `idof_${type.name === 'Text' ? 'string' : type.name}_array`
  return type.base === 'Uint8Array' ? 'idof_Uint8Array' : null
}

function baseOf(name: string): PassedType['base'] | null {
  if ((NUMBERS as readonly string[]).includes(name)) return 'number'
  if ((BIG_NUMBERS as readonly string[]).includes(name)) return 'bigint'
  switch (name) {
    case '':
    case 'void':
      return 'void'
    case 'bool':
    case 'string':
    case 'Text':
    case 'Uint8Array':
      return name
    default:
      return null
  }
}
