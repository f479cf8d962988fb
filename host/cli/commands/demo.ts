import { defineCommand } from '../command.ts'

/** Runs a demo with an upstream, a gateway and a plugin that is compiled again when it is edited. */
export const demoCommand = defineCommand({
  name: 'demo',
  summary: 'run a demo: an upstream, the gateway and a plugin to edit while it runs',
  examples: ['penstock demo'],
  async run({ io }) {
    const { runDemo } = await import('../demo/demo.ts')
    return await runDemo(io)
  },
})
