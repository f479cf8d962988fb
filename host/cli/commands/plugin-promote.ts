import { printable } from '../../config/issues.ts'
import { GatewayError } from '../../errors.ts'
import { ApiClient } from '../api-client.ts'
import { BY_OPTION, callerName } from '../caller.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { bodyOf, parsePluginTarget, pluginPath, shortDigest, storedPath } from '../plugin-target.ts'
import { pushSchema, storedOutcomeSchema } from '../replies.ts'
import { storedSentence } from '../stored-sentence.ts'
import { TRIAL_OPTIONS } from '../trial-flags.ts'

/** Makes a version what everybody gets. */
export const pluginPromoteCommand = defineCommand({
  name: 'plugin promote',
  summary: 'give a version of a plugin to all clients, or to a larger share of them',
  arguments: [
    {
      name: '<plugin>',
      description: 'NAME@VERSION; NAME or PIPELINE/FILTER for the version on trial there',
    },
  ],
  options: [
    ...TRIAL_OPTIONS,
    { flags: '--reason <text>', description: 'why, for the history' },
    BY_OPTION,
  ],
  examples: [
    'penstock plugin promote limit@1.2.0',
    'penstock plugin promote limit@1.2.0 --canary 5% --sticky header:x-user',
    'penstock plugin promote demo/limit --canary 25%',
    'penstock plugin promote demo/limit',
  ],
  async run(call) {
    const target = parsePluginTarget(call.args[0])
    const reason = call.options.text('reason')
    const canary = call.options.text('canary')
    const sticky = call.options.text('sticky')
    const promoteAfter = call.options.text('promoteAfter')
    const client = await ApiClient.open(call, callerName(call))
    if (target.kind === 'stored') {
      const { name } = target
      const version = target.version ?? undefined
      const body = bodyOf({ version, reason, canary, sticky, promoteAfter })
      const path = `${storedPath(name)}/promote`
      const outcome = await client.call(storedOutcomeSchema, 'POST', path, body)
      if (!writeData(call, outcome)) {
        call.io.stdout.write(`${printable(storedSentence(outcome, 'promoted'))}\n`)
      }
      return EXIT.ok
    }
    if (sticky !== undefined || promoteAfter !== undefined) {
      const why =
        'a trial that runs in a filter keeps its --sticky and --promote-after: push it again'
      throw new GatewayError('CLI_USAGE', { reason: why })
    }
    const { pipeline, filter } = target
    const path = `${pluginPath(pipeline, filter)}/promote`
    const outcome = await client.call(pushSchema, 'POST', path, bodyOf({ reason, canary }))
    if (!writeData(call, outcome)) {
      const shown = shortDigest(outcome.digest)
      const percent = outcome.percent ?? null
      const whom = percent === null ? 'all clients' : `${percent}% of the clients`
      call.io.stdout.write(`${printable(`${pipeline}/${filter} runs ${shown} for ${whom}`)}\n`)
    }
    return EXIT.ok
  },
})
