import { defineCommand } from '../command.ts'

/** Builds plugins and runs their tests. */
export const testCommand = defineCommand({
  name: 'test',
  summary: 'build plugins and run their tests',
  arguments: [{ name: '[folders...]', description: 'folders of plugins; default: this folder' }],
  examples: ['penstock test', 'penstock test plugins/*/'],
  async run({ args, io }) {
    // Loaded when it is used: the compiler is large, and optional.
    const { test } = await import('./test.ts')
    return await test(args, io)
  },
})
