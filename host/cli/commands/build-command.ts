import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'

/** Compiles plugins. */
export const buildCommand = defineCommand({
  name: 'build',
  summary: 'compile plugins from AssemblyScript to WebAssembly',
  arguments: [{ name: '[folders...]', description: 'folders of plugins; default: this folder' }],
  examples: ['penstock build', 'penstock build plugins/*/'],
  async run({ args, io }) {
    // Loaded when it is used: the compiler is large, and optional.
    const { build } = await import('./build.ts')
    const exit = await build(args, io)
    // For who reads it; a script that builds many has nothing to do next.
    if (exit === EXIT.ok && io.stdout.isTerminal) {
      io.stdout.write(
        'Next: "penstock test" runs its tests, "penstock plugin push build/NAME.wasm --filter PIPELINE/FILTER" swaps it in.\n',
      )
    }
    return exit
  },
})
