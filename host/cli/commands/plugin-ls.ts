import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData, writeTable } from '../output.ts'
import { shortDigest } from '../plugin-target.ts'
import { pluginsSchema } from '../replies.ts'

/** Which version of which plugin runs where, and which ran before. */
export const pluginLsCommand = defineCommand({
  name: 'plugin ls',
  summary: 'list the plugins of a running gateway, with the versions that ran',
  examples: ['penstock plugin ls', 'penstock plugin ls -o json'],
  async run(call) {
    const client = await ApiClient.open(call)
    const plugins = await client.call(pluginsSchema, 'GET', '/plugins')
    if (writeData(call, plugins)) return EXIT.ok
    if (plugins.length === 0) {
      call.io.stdout.write('no filter runs a plugin\n')
      return EXIT.ok
    }
    writeTable(
      call,
      ['FILTER', 'PLUGIN', 'VERSION', 'DIGEST', 'FROM', 'CALLS', 'FAILED', 'BEFORE'],
      plugins.map(({ pipeline, filter, detail, history }) => [
        `${pipeline}/${filter}`,
        detail.plugin,
        detail.version ?? '-',
        shortDigest(detail.digest),
        detail.origin,
        String(detail.numOfRequest),
        String(detail.numOfWasmError),
        history
          .filter((entry) => entry.digest !== detail.digest)
          .map(
            (entry) => shortDigest(entry.digest) + (entry.withdrawn === null ? '' : ' (withdrawn)'),
          )
          .join(', '),
      ]),
    )
    return EXIT.ok
  },
})
