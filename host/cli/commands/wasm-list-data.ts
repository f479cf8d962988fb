import { z } from '../../config/schema.ts'
import { formatYaml } from '../../config/yaml-text.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { DATA_ARGUMENTS, dataPath } from '../wasm-data.ts'

const dataSchema = z.record(z.string(), z.union([z.string(), z.object({ base64: z.string() })]))

/** Shows what the plugin of a filter keeps, in the form that `wasm apply-data` takes. */
export const wasmListDataCommand = defineCommand({
  name: 'wasm list-data',
  summary: 'show the key-value data of the plugin in a filter',
  arguments: DATA_ARGUMENTS,
  examples: [
    'penstock wasm list-data demo limit',
    'penstock wasm list-data demo limit > data.yaml',
  ],
  async run(call) {
    const client = await ApiClient.open(call)
    const data = await client.call(dataSchema, 'GET', dataPath(call.args))
    // Read again by `apply-data`: no data is an empty map, not a sentence.
    if (!writeData(call, data)) call.io.stdout.write(formatYaml(data))
    return EXIT.ok
  },
})
