import { printable } from '../../config/issues.ts'
import { z } from '../../config/schema.ts'
import { GatewayError } from '../../errors.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { readDocuments } from '../documents.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { DATA_ARGUMENTS, dataPath } from '../wasm-data.ts'

const writtenSchema = z.looseObject({ written: z.number() })

/** Writes keys into what the plugin of a filter keeps. */
export const wasmApplyDataCommand = defineCommand({
  name: 'wasm apply-data',
  summary: 'write keys into the key-value data of the plugin in a filter, all of them or none',
  arguments: DATA_ARGUMENTS,
  options: [
    {
      flags: '-f, --file <path>',
      description: 'a YAML or JSON file with a mapping of keys to values, or - for standard input',
      isRepeatable: true,
    },
  ],
  examples: [
    'penstock wasm apply-data demo limit -f data.yaml',
    'echo "tenant: acme" | penstock wasm apply-data demo limit -f -',
  ],
  async run(call) {
    const paths = call.options.list('file')
    if (paths.length === 0) {
      throw new GatewayError('CLI_USAGE', { reason: 'wasm apply-data needs at least one -f FILE' })
    }
    const { documents } = await readDocuments(paths, call.io)
    const values = Object.assign({}, ...documents.map((document) => document.data))
    const client = await ApiClient.open(call)
    const outcome = await client.call(writtenSchema, 'PUT', dataPath(call.args), {
      type: 'application/json',
      bytes: JSON.stringify(values),
    })
    if (!writeData(call, outcome)) {
      call.io.stdout.write(`${outcome.written} written to ${printable(call.args.join('/'))}\n`)
    }
    return EXIT.ok
  },
})
