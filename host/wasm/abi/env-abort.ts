import type { GuestMemory } from '../guest-memory.ts'

/** Raised by `env.abort`: AssemblyScript's way to say why it traps. */
class GuestAbort extends Error {
  constructor(message: string, file: string, line: number, column: number) {
    super(`${message === '' ? 'abort' : message} (${file}:${line}:${column})`)
    this.name = 'GuestAbort'
  }
}

/** The import `env.abort`. */
export function abortImport(memory: GuestMemory): WebAssembly.ModuleImports {
  return {
    abort(message: number, file: number, line: number, column: number): never {
      throw new GuestAbort(memory.managedString(message), memory.managedString(file), line, column)
    },
  }
}
