import { ApiClient } from '../api-client.ts'
import { type CommandCall, defineCommand } from '../command.ts'
import { EXIT, type ExitCode } from '../io.ts'
import { writeData, writeTable } from '../output.ts'
import { shortDigest } from '../plugin-target.ts'
import { pluginsSchema, storedPluginsSchema, type TrialReply } from '../replies.ts'

/** Which version of which plugin runs where, and which ran before. */
export const pluginLsCommand = defineCommand({
  name: 'plugin ls',
  summary: 'list the plugins of a running gateway, with the versions that ran',
  options: [{ flags: '--stored', description: 'list what is stored by name instead' }],
  examples: ['penstock plugin ls', 'penstock plugin ls -o json', 'penstock plugin ls --stored'],
  async run(call) {
    const client = await ApiClient.open(call)
    if (call.options.flag('stored')) return await listStored(call, client)
    const plugins = await client.call(pluginsSchema, 'GET', '/plugins')
    if (writeData(call, plugins)) return EXIT.ok
    if (plugins.length === 0) {
      call.io.stdout.write('no filter runs a plugin\n')
      return EXIT.ok
    }
    writeTable(
      call,
      ['FILTER', 'PLUGIN', 'VERSION', 'DIGEST', 'FROM', 'CALLS', 'FAILED', 'ON TRIAL', 'BEFORE'],
      plugins.map(({ pipeline, filter, detail, trial, history }) => [
        `${pipeline}/${filter}`,
        detail.plugin,
        detail.version ?? '-',
        shortDigest(detail.digest),
        detail.origin,
        String(detail.numOfRequest),
        String(detail.numOfWasmError),
        trial == null ? '-' : trialText(trial),
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

async function listStored(call: CommandCall, client: ApiClient): Promise<ExitCode> {
  const stored = await client.call(storedPluginsSchema, 'GET', '/plugin-store')
  if (writeData(call, stored)) return EXIT.ok
  if (stored.length === 0) {
    call.io.stdout.write('no plugin is stored; "penstock plugin push FILE" stores one\n')
    return EXIT.ok
  }
  writeTable(
    call,
    ['PLUGIN', 'VERSION', 'DIGEST', 'SIZE', 'STATE', 'USED BY'],
    stored.flatMap(({ name, trial, versions }) =>
      versions.map(({ version, digest, bytes, isPromoted, withdrawn, usedBy, pinnedBy }) => {
        const isOnTrial = trial !== null && trial.version === version
        const kept = withdrawn === null ? '-' : 'withdrawn'
        const state = isPromoted ? 'promoted' : kept
        const users = usedBy.map((user) => (pinnedBy.includes(user) ? `${user} (pinned)` : user))
        return [
          name,
          version,
          shortDigest(digest),
          String(bytes),
          isOnTrial ? trialText(trial) : state,
          users.join(', '),
        ]
      }),
    ),
  )
  return EXIT.ok
}

function trialText({ version, digest, percent, state }: TrialReply): string {
  return `${version ?? shortDigest(digest)} on ${percent}%, ${state}`
}
