import { printable } from '../../config/issues.ts'
import { GatewayError } from '../../errors.ts'
import { ApiClient } from '../api-client.ts'
import { BY_OPTION, callerName } from '../caller.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { parsePluginTarget, queryOf, storedPath } from '../plugin-target.ts'
import { removedSchema } from '../replies.ts'

/** Forgets stored versions that nobody uses. */
export const pluginRmCommand = defineCommand({
  name: 'plugin rm',
  summary: 'remove a stored plugin, or one version of it, that no filter uses',
  arguments: [{ name: '<plugin>', description: 'NAME@VERSION, or NAME for all of its versions' }],
  options: [{ flags: '--reason <text>', description: 'why, for the history' }, BY_OPTION],
  examples: ['penstock plugin rm limit@1.0.0', 'penstock plugin rm limit'],
  async run(call) {
    const target = parsePluginTarget(call.args[0])
    if (target.kind === 'filter') {
      const reason = `${call.args[0] ?? ''} is a filter: what was pushed into one is taken back with "penstock plugin rollback"`
      throw new GatewayError('CLI_USAGE', { reason })
    }
    const client = await ApiClient.open(call, callerName(call))
    const query = queryOf({ reason: call.options.text('reason') })
    const path = `${storedPath(target.name, target.version)}${query}`
    const outcome = await client.call(removedSchema, 'DELETE', path)
    if (!writeData(call, outcome)) {
      for (const one of outcome.removed) call.io.stdout.write(`${printable(one)} removed\n`)
    }
    return EXIT.ok
  },
})
