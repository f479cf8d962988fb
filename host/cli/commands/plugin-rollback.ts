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

/** Undoes the last change of a plugin. */
export const pluginRollbackCommand = defineCommand({
  name: 'plugin rollback',
  summary: 'end the trial of a plugin, or go back to the version that ran before',
  arguments: [{ name: '<plugin>', description: 'PIPELINE/FILTER, or the NAME of a stored plugin' }],
  options: [{ flags: '--reason <text>', description: 'why, for the history' }, BY_OPTION],
  examples: [
    'penstock plugin rollback demo/limit --reason "wrong limit"',
    'penstock plugin rollback limit',
  ],
  async run(call) {
    const target = parsePluginTarget(call.args[0])
    const body = bodyOf({ reason: call.options.text('reason') })
    const client = await ApiClient.open(call, callerName(call))
    if (target.kind === 'stored') {
      const { name, version } = target
      if (version !== null) {
        const reason = `a roll-back goes to the version before; for another one use "penstock plugin promote ${name}@${version}"`
        throw new GatewayError('CLI_USAGE', { reason })
      }
      const path = `${storedPath(name)}/rollback`
      const outcome = await client.call(storedOutcomeSchema, 'POST', path, body)
      if (!writeData(call, outcome)) {
        call.io.stdout.write(`${printable(storedSentence(outcome, 'rolled back'))}\n`)
      }
      return EXIT.ok
    }
    const { pipeline, filter } = target
    const path = `${pluginPath(pipeline, filter)}/rollback`
    const outcome = await client.call(pushSchema, 'POST', path, body)
    if (!writeData(call, outcome)) {
      const { digest, previousDigest, durationMs } = outcome
      const what = `${pipeline}/${filter} runs ${shortDigest(digest)} again, in place of ${shortDigest(previousDigest)}`
      call.io.stdout.write(`${printable(what)} (${Math.round(durationMs)} ms)\n`)
    }
    return EXIT.ok
  },
})
