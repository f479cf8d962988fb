import { defineCommand } from '../command.ts'

/** Compiles plugins. */
export const buildCommand = defineCommand({
  name: 'build',
  summary: 'compile plugins from AssemblyScript to WebAssembly',
  arguments: [{ name: '[folders...]', description: 'folders of plugins; default: this folder' }],
  examples: ['penstock build', 'penstock build plugins/*/'],
  async run({ args, io }) {
    // Loaded when it is used: the compiler is large, and optional.
    const { build } = await import('./build.ts')
    return await build(args, io)
  },
})
