import { reasonOf } from '../../errors.ts'
import type { GatedModule } from './gate.ts'
import { invalid } from './module-error.ts'

/**
 * Compiles a gated module. Code that is well formed but not valid (operands of the wrong type, say)
 * is found only here: GUEST_MODULE_INVALID with the offset in the module as it arrived.
 */
export async function compileModule(gated: GatedModule): Promise<WebAssembly.Module> {
  try {
    // The copy has an ArrayBuffer of its own: the engine must not see bytes another thread can change.
    return await WebAssembly.compile(Uint8Array.from(gated.bytes))
  } catch (error) {
    throw explain(error, gated)
  }
}

/** V8 ends its messages with `@+123`, the offset in what it was given. */
function explain(error: unknown, gated: GatedModule): Error {
  const reason = reasonOf(error)
  const found = /^(?:WebAssembly\.\w+\(\): )?(.*?)\s*@\+(\d+)\s*$/s.exec(reason)
  if (found === null) return invalid(0, reason)
  const [, text = reason, offset = '0'] = found
  return invalid(gated.offsetMap.toOriginal(Number(offset)) ?? 0, text)
}
