import { runError } from './template-error.ts'
import { asDict, dictGet, GoObject, NO_FIELD, typeOf, type Value } from './value.ts'

const NONE: readonly Value[] = []

/**
 * Reads `.a.b.c`: fields, entries of maps and methods; only the last may take arguments. What is not in a
 * map is no value, and a field of no value is no value again, so that a template can ask for what may be
 * missing.
 */
export function readChain(
  receiver: Value,
  names: readonly string[],
  args: readonly Value[] = NONE,
): Value {
  let value = receiver
  const last = names.length - 1
  for (let i = 0; i < last; i++) value = readField(value, names[i] as string, NONE)
  return readField(value, names[last] as string, args)
}

function readField(receiver: Value, name: string, args: readonly Value[]): Value {
  if (receiver === undefined) return undefined
  if (receiver === null) throw runError(`nil has no field "${name}"`)
  if (receiver instanceof GoObject) {
    const method = receiver.method(name)
    if (method !== undefined) return method(args)
    const field = receiver.field(name)
    if (field !== NO_FIELD) {
      checkNoArguments(name, args)
      return field
    }
  }
  const dict = asDict(receiver)
  if (dict === null)
    throw runError(`a value of the type ${typeOf(receiver)} has no field "${name}"`)
  checkNoArguments(name, args)
  return dictGet(dict, name)
}

function checkNoArguments(name: string, args: readonly Value[]): void {
  if (args.length > 0) throw runError(`"${name}" is no method: it takes no arguments`)
}
