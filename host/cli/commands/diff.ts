import { differences } from '../../config/differences.ts'
import { printable } from '../../config/issues.ts'
import { formatPath } from '../../config/json.ts'
import { GatewayError } from '../../errors.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { FILE_OPTION, readDocuments } from '../documents.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { shortDigest } from '../plugin-target.ts'
import { type ObjectReply, objectsSchema, type PluginReply, pluginsSchema } from '../replies.ts'

/** One thing that is not as the files have it. */
interface Difference {
  /** `override` and `canary`: a filter runs something beside what its configuration names. */
  readonly what: 'create' | 'change' | 'override' | 'canary'
  /** `KIND/NAME`, or `PIPELINE/FILTER`. */
  readonly name: string
  /** Paths of what differs, or which module runs. */
  readonly where: readonly string[]
}

/** What `apply` would change, and what runs in place of what the configuration names. */
export const diffCommand = defineCommand({
  name: 'diff',
  summary: 'show what apply would change, and what runs in place of the configuration',
  options: [FILE_OPTION],
  examples: ['penstock diff -f gateway.yaml', 'penstock diff -f conf/ -o json'],
  async run(call) {
    const paths = call.options.list('file')
    if (paths.length === 0) {
      throw new GatewayError('CLI_USAGE', { reason: 'diff needs at least one -f FILE' })
    }
    const { documents } = await readDocuments(paths, call.io)
    const client = await ApiClient.open(call)
    const running = await client.call(objectsSchema, 'GET', '/objects')
    const plugins = await client.call(pluginsSchema, 'GET', '/plugins')
    const byName = new Map(running.map((object) => [object.name, object]))
    const found = [
      ...documents.flatMap(({ data }) => ofObject(data, byName.get(String(data['name'])))),
      ...plugins.flatMap(ofPlugin),
    ]
    if (!writeData(call, found)) {
      for (const { what, name, where } of found) {
        call.io.stdout.write(`${printable(`${what.padEnd(8)}  ${name}: ${where.join(', ')}`)}\n`)
      }
      if (found.length === 0) call.io.stdout.write('no difference\n')
    }
    return found.length === 0 ? EXIT.ok : EXIT.refused
  },
})

function ofObject(
  data: Readonly<Record<string, unknown>>,
  running: ObjectReply | undefined,
): Difference[] {
  const name = `${String(data['kind'])}/${String(data['name'])}`
  if (running === undefined) return [{ what: 'create', name, where: ['it is not there'] }]
  const where = differences(data, running).map(formatPath)
  return where.length === 0 ? [] : [{ what: 'change', name, where }]
}

function ofPlugin({ pipeline, filter, detail, trial }: PluginReply): Difference[] {
  const name = `${pipeline}/${filter}`
  const found: Difference[] = []
  if (detail.origin === 'override') {
    found.push({ what: 'override', name, where: [`it runs ${shown(detail)}`] })
  }
  if (trial != null) {
    const share = `${shown(trial)} on ${trial.percent}% of the clients`
    found.push({ what: 'canary', name, where: [share] })
  }
  return found
}

function shown({ version, digest }: { version: string | null; digest: string }): string {
  return version === null ? shortDigest(digest) : `${version} (${shortDigest(digest)})`
}
