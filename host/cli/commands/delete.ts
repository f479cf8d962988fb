import { printable } from '../../config/issues.ts'
import { GatewayError } from '../../errors.ts'
import { ApiClient, RefusedError } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { FILE_OPTION, readDocuments } from '../documents.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { outcomeSchema } from '../replies.ts'

const CONFLICT = 409

/** Deletes objects of a running gateway. */
export const deleteCommand = defineCommand({
  name: 'delete',
  summary: 'delete objects of a running gateway',
  arguments: [{ name: '[names...]', description: 'their names' }],
  options: [FILE_OPTION],
  examples: ['penstock delete demo', 'penstock delete -f gateway.yaml'],
  async run(call) {
    const paths = call.options.list('file')
    const { documents } = await readDocuments(paths, call.io)
    const named = documents
      .map(({ data }) => data['name'])
      .filter((name) => typeof name === 'string')
    const names = [...new Set([...call.args, ...named])]
    if (names.length === 0) {
      throw new GatewayError('CLI_USAGE', {
        reason: 'delete needs a name, or -f FILE with objects',
      })
    }
    const client = await ApiClient.open(call)
    const deleted = await deleteAll(client, names)
    if (!writeData(call, { deleted })) {
      for (const name of deleted) call.io.stdout.write(`${printable(name)} deleted\n`)
    }
    return EXIT.ok
  },
})

/**
 * An object that another one needs is refused. The other one may be among those to delete, so what was
 * refused is tried again as long as something else went away meanwhile.
 */
async function deleteAll(client: ApiClient, names: readonly string[]): Promise<string[]> {
  const deleted: string[] = []
  let open = [...names]
  while (open.length > 0) {
    const refused: string[] = []
    let reason: RefusedError | null = null
    for (const name of open) {
      try {
        await client.call(outcomeSchema, 'DELETE', `/objects/${encodeURIComponent(name)}`)
        deleted.push(name)
      } catch (error) {
        if (!(error instanceof RefusedError) || error.status !== CONFLICT) throw error
        reason = error
        refused.push(name)
      }
    }
    if (reason !== null && refused.length === open.length) throw reason
    open = refused
  }
  return deleted
}
