import { printable } from '../../config/issues.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { parseFilterTarget, pluginPath, shortDigest } from '../plugin-target.ts'
import { pushSchema } from '../replies.ts'

/** Undoes the last change of a plugin. */
export const pluginRollbackCommand = defineCommand({
  name: 'plugin rollback',
  summary: 'go back to the version of a plugin that ran before',
  arguments: [{ name: '<pipeline/filter>', description: 'the WasmHost filter' }],
  options: [{ flags: '--reason <text>', description: 'why, for the history' }],
  examples: ['penstock plugin rollback demo/limit --reason "wrong limit"'],
  async run(call) {
    const [pipeline, filter] = parseFilterTarget(call.args[0], 'the argument')
    const client = await ApiClient.open(call)
    const reason = call.options.text('reason') ?? 'rolled back by hand'
    const outcome = await client.call(
      pushSchema,
      'POST',
      `${pluginPath(pipeline, filter)}/rollback`,
      { type: 'application/json', bytes: Buffer.from(JSON.stringify({ reason })) },
    )
    if (!writeData(call, outcome)) {
      const { digest, previousDigest, durationMs } = outcome
      const what = `${pipeline}/${filter} runs ${shortDigest(digest)} again, in place of ${shortDigest(previousDigest)}`
      call.io.stdout.write(`${printable(what)} (${Math.round(durationMs)} ms)\n`)
    }
    return EXIT.ok
  },
})
