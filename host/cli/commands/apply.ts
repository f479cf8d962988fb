import { printable } from '../../config/issues.ts'
import { GatewayError } from '../../errors.ts'
import { ApiClient, RefusedError } from '../api-client.ts'
import { type CommandCall, defineCommand } from '../command.ts'
import { FILE_OPTION, type LocalDocuments, readDocuments } from '../documents.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { outcomeSchema } from '../replies.ts'

/** Creates or replaces objects of a running gateway, all of them or none. */
export const applyCommand = defineCommand({
  name: 'apply',
  summary: 'create or replace objects of a running gateway, all of them or none',
  options: [FILE_OPTION],
  examples: ['penstock apply -f pipeline.yaml', 'cat pipeline.yaml | penstock apply -f -'],
  async run(call) {
    const paths = call.options.list('file')
    if (paths.length === 0) {
      throw new GatewayError('CLI_USAGE', { reason: 'apply needs at least one -f FILE' })
    }
    const local = await readDocuments(paths, call.io)
    if (local.documents.length === 0) {
      throw new GatewayError('CLI_USAGE', { reason: `there is no document in ${paths.join(', ')}` })
    }
    const client = await ApiClient.open(call)
    const outcome = await send(client, local, call)
    if (writeData(call, outcome)) return EXIT.ok
    for (const { data } of local.documents) {
      const name = String(data['name'])
      const did = outcome.created.includes(name)
        ? 'created'
        : outcome.updated.includes(name)
          ? 'updated'
          : 'unchanged'
      call.io.stdout.write(`${printable(`${String(data['kind'])}/${name}`)} ${did}\n`)
    }
    return EXIT.ok
  },
})

async function send(client: ApiClient, local: LocalDocuments, call: CommandCall) {
  const bytes = JSON.stringify(local.documents.map((document) => document.data))
  try {
    return await client.call(outcomeSchema, 'PUT', '/objects', { type: 'application/json', bytes })
  } catch (error) {
    if (!(error instanceof RefusedError) || error.problem.issues === undefined) throw error
    // Only needed when something is wrong: the schemas behind it take a while to load.
    const { locateIssues } = await import('../locate-issues.ts')
    const located = locateIssues(error.problem.issues, local, call.io)
    throw new RefusedError(error.status, error.problem, located, error)
  }
}
