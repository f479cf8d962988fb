import { printable } from '../../config/issues.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { stateCell } from '../object-table.ts'
import { writeData, writeTable } from '../output.ts'
import { gatewaySchema, statusesSchema } from '../replies.ts'

/** Tells whether a running gateway is well, and which object is not. */
export const statusCommand = defineCommand({
  name: 'status',
  summary: 'show whether a running gateway is ready, and why not',
  examples: ['penstock status', 'penstock status -o json'],
  async run(call) {
    const client = await ApiClient.open(call)
    const gateway = await client.call(gatewaySchema, 'GET', '/status')
    const objects = await client.call(statusesSchema, 'GET', '/status/objects')
    const isWell = gateway.isReady && objects.every((object) => object.error === null)
    const code = isWell ? EXIT.ok : EXIT.refused
    if (writeData(call, { ...gateway, objects })) return code
    const verdict = gateway.isReady ? 'ready' : 'not ready'
    const { version, revision } = gateway
    call.io.stdout.write(`penstock ${version}, ${verdict}, configuration ${revision}\n`)
    for (const check of gateway.checks.filter(({ ok }) => !ok)) {
      call.io.stdout.write(`${check.name}: ${printable(check.reason)}\n`)
    }
    if (objects.length === 0) return code
    call.io.stdout.write('\n')
    writeTable(
      call,
      ['NAME', 'KIND', 'STATE', 'GENERATION', 'SOURCE', 'ERROR'],
      objects.map((object) => [
        object.name,
        object.kind,
        stateCell(object.state),
        String(object.generation),
        object.source ?? '-',
        object.error ?? '',
      ]),
    )
    return code
  },
})
