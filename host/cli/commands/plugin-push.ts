import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { printable } from '../../config/issues.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import { ApiClient } from '../api-client.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { parseFilterTarget, pluginPath, shortDigest } from '../plugin-target.ts'
import { pushSchema } from '../replies.ts'

/** Swaps the module of a filter while it runs. */
export const pluginPushCommand = defineCommand({
  name: 'plugin push',
  summary: 'swap a compiled plugin into a filter of a running gateway',
  arguments: [{ name: '<file>', description: 'the WebAssembly module' }],
  options: [
    {
      flags: '--filter <pipeline/filter>',
      description: 'the WasmHost filter that is to run it',
    },
  ],
  examples: ['penstock plugin push build/limit.wasm --filter demo/limit'],
  async run(call) {
    const file = call.args[0] ?? ''
    const [pipeline, filter] = parseFilterTarget(call.options.text('filter'), '--filter')
    const bytes = await readModule(resolve(call.io.cwd, file), file)
    const client = await ApiClient.open(call)
    const path = pluginPath(pipeline, filter)
    const outcome = await client.call(pushSchema, 'PUT', path, { type: 'application/wasm', bytes })
    if (!writeData(call, outcome)) {
      const { digest, previousDigest, durationMs } = outcome
      const before = previousDigest === '' ? '' : `, before ${shortDigest(previousDigest)}`
      const what = `${pipeline}/${filter} runs ${shortDigest(digest)}${before}`
      call.io.stdout.write(`${printable(what)} (${Math.round(durationMs)} ms)\n`)
    }
    return EXIT.ok
  },
})

async function readModule(path: string, shown: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new GatewayError('CLI_FILE', { path: shown, reason: readReason(error) }, error)
  }
}

function readReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (code === 'ENOENT') return 'no such file or folder'
  return code === 'EISDIR' ? 'it is a folder' : reasonOf(error)
}
