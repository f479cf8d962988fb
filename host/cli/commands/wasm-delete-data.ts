import { printable } from '../../config/issues.ts'
import { z } from '../../config/schema.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { DATA_ARGUMENTS, dataPath } from '../wasm-data.ts'

const deletedSchema = z.looseObject({ deleted: z.number() })

/** Forgets everything the plugin of a filter keeps. */
export const wasmDeleteDataCommand = defineCommand({
  name: 'wasm delete-data',
  summary: 'delete all key-value data of the plugin in a filter',
  arguments: DATA_ARGUMENTS,
  examples: ['penstock wasm delete-data demo limit'],
  async run(call) {
    const client = await ApiClient.open(call)
    const outcome = await client.call(deletedSchema, 'DELETE', dataPath(call.args))
    if (!writeData(call, outcome)) {
      call.io.stdout.write(`${outcome.deleted} deleted from ${printable(call.args.join('/'))}\n`)
    }
    return EXIT.ok
  },
})
