import { defineCommand } from '../command.ts'
import { COMPAT_OPTION, isCompatible } from '../compat-option.ts'
import { FILE_OPTION } from '../documents.ts'

/** Checks configuration files without a gateway. */
export const validateCommand = defineCommand({
  name: 'validate',
  summary: 'check configuration files and list every problem',
  options: [FILE_OPTION, COMPAT_OPTION],
  examples: ['penstock validate -f gateway.yaml', 'penstock validate -f conf/ -f extra.yaml'],
  async run({ io, options, global }) {
    // Loaded when it is used: the schemas behind it take longer than most commands.
    const { storedPluginsOf, validate } = await import('./validate.ts')
    const files = options.list('file')
    const stored = await storedPluginsOf(global.dataDir, files, io)
    return await validate(files, io, isCompatible(options), stored)
  },
})
