import { defineCommand } from '../command.ts'

/** Makes a project with a filter to start from. */
export const newCommand = defineCommand({
  name: 'new',
  summary: 'make a project with a filter, its tests and a gateway to run it in',
  arguments: [{ name: '<name>', description: 'its name, and the folder that is made' }],
  options: [
    {
      flags: '-t, --template <name>',
      description: 'what it starts from: header (headers and a token) or body (JSON answers)',
      choices: ['header', 'body'],
      defaultText: 'header',
    },
  ],
  examples: ['penstock new my-filter', 'penstock new hide-fields --template body'],
  async run({ args, options, io }) {
    const { newProject } = await import('./new.ts')
    return newProject(args[0] ?? '', options.text('template') ?? 'header', io)
  },
})
