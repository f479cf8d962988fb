import { GatewayError } from '../../errors.ts'
import { ApiClient } from '../api-client.ts'
import { type CommandCall, defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { resolveKind } from '../kinds.ts'
import { stateCell } from '../object-table.ts'
import { writeData, writeTable } from '../output.ts'
import {
  kindsSchema,
  type ObjectReply,
  objectSchema,
  objectsSchema,
  statusesSchema,
} from '../replies.ts'

/** Shows objects of a running gateway. */
export const getCommand = defineCommand({
  name: 'get',
  summary: 'show objects of a running gateway',
  arguments: [
    { name: '[kind]', description: 'HTTPServer (hs), Pipeline (pl), … or all' },
    { name: '[name]', description: 'one object' },
  ],
  examples: ['penstock get', 'penstock get pl', 'penstock get pl demo -o yaml'],
  async run(call) {
    const client = await ApiClient.open(call)
    const [kindWord, name] = call.args
    const kind = await kindOf(client, kindWord)
    const found = await findObjects(client, kind, name)
    const data = name === undefined ? found : found[0]
    if (!writeData(call, data)) await writeObjects(call, client, found)
    return EXIT.ok
  },
})

async function kindOf(client: ApiClient, word: string | undefined): Promise<string | null> {
  if (word === undefined) return null
  return resolveKind(word, await client.call(kindsSchema, 'GET', '/object-kinds'))
}

/** One name that is not there is the gateway's refusal; no object of a kind is an empty list. */
async function findObjects(
  client: ApiClient,
  kind: string | null,
  name: string | undefined,
): Promise<ObjectReply[]> {
  if (name === undefined) {
    const all = await client.call(objectsSchema, 'GET', '/objects')
    return kind === null ? all : all.filter((object) => object.kind === kind)
  }
  const object = await client.call(objectSchema, 'GET', `/objects/${encodeURIComponent(name)}`)
  if (kind === null || object.kind === kind) return [object]
  throw new GatewayError('CLI_USAGE', { reason: `${name} is a ${object.kind}, no ${kind}` })
}

async function writeObjects(
  call: CommandCall,
  client: ApiClient,
  objects: readonly ObjectReply[],
): Promise<void> {
  if (objects.length === 0) {
    call.io.stdout.write('no objects; "penstock apply -f FILE" makes some\n')
    return
  }
  const statuses = await client.call(statusesSchema, 'GET', '/status/objects')
  const byName = new Map(statuses.map((status) => [status.name, status]))
  writeTable(
    call,
    ['NAME', 'KIND', 'STATE', 'GENERATION', 'SOURCE'],
    objects.map(({ name, kind }) => {
      const status = byName.get(name)
      const generation = status === undefined ? '-' : String(status.generation)
      return [name, kind, stateCell(status?.state ?? '-'), generation, status?.source ?? '-']
    }),
  )
}
