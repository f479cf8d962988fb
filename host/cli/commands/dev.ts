import { GatewayError } from '../../errors.ts'
import { defineCommand } from '../command.ts'

/** Null when it was not given. CLI_USAGE for what is no port. */
function portOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port
  throw new GatewayError('CLI_USAGE', { reason: `--inspector-port: "${text}" is no port` })
}

/** Runs a plugin project on this machine and follows every save. */
export const devCommand = defineCommand({
  name: 'dev',
  summary: 'run a plugin project with a mock upstream and the inspector, and follow every save',
  arguments: [{ name: '[folder]', description: 'the project; default: the current folder' }],
  options: [
    {
      flags: '-f, --file <path>',
      description: 'the configuration',
      defaultText: 'gateway.yaml in the folder, or one that is made up',
    },
    {
      flags: '--inspector-port <port>',
      description: 'where the inspector and the admin API listen',
      defaultText: '2381, or the next free one',
    },
  ],
  examples: ['penstock dev', 'penstock dev plugins/api-key'],
  async run({ args, options, io }) {
    const inspectorPort = portOf(options.text('inspectorPort'))
    const { runDev } = await import('../dev/dev.ts')
    const [folder = null] = args
    return await runDev({ folder, config: options.text('file') ?? null, inspectorPort }, io)
  },
})
