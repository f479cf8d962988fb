import { printable } from '../../config/issues.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { outcomeSchema } from '../replies.ts'

/** Has the code of every WasmHost filter read again. */
export const wasmReloadCodeCommand = defineCommand({
  name: 'wasm reload-code',
  summary: 'read the code of every WasmHost filter again and swap what has changed',
  examples: ['penstock wasm reload-code'],
  async run(call) {
    const client = await ApiClient.open(call)
    const outcome = await client.call(outcomeSchema, 'POST', '/wasm/code')
    if (!writeData(call, outcome)) {
      const { updated, durationMs } = outcome
      const what =
        updated.length === 0
          ? 'no code has changed'
          : `reloaded ${printable(updated.join(', '))} (${Math.round(durationMs)} ms)`
      call.io.stdout.write(`${what}\n`)
    }
    return EXIT.ok
  },
})
