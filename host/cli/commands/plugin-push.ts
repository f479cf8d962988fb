import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { printable } from '../../config/issues.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import { ApiClient } from '../api-client.ts'
import { BY_OPTION, callerName } from '../caller.ts'
import { type CommandCall, defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import {
  parseFilterTarget,
  parsePluginTarget,
  pluginPath,
  queryOf,
  shortDigest,
} from '../plugin-target.ts'
import { pushSchema, storedOutcomeSchema } from '../replies.ts'
import type { PushedModule } from '../source-map-push.ts'
import { storedSentence } from '../stored-sentence.ts'
import { TRIAL_OPTIONS } from '../trial-flags.ts'

/** Swaps the module of a filter while it runs, or keeps it under its name and version. */
export const pluginPushCommand = defineCommand({
  name: 'plugin push',
  summary: 'store a compiled plugin in a running gateway, or swap it into a filter',
  arguments: [{ name: '<file>', description: 'the WebAssembly module' }],
  options: [
    {
      flags: '--filter <pipeline/filter>',
      description:
        'swap it into this WasmHost filter; without it, it is stored by name and version',
    },
    { flags: '--as <name@version>', description: 'store it under these instead of its own' },
    ...TRIAL_OPTIONS,
    { flags: '--reason <text>', description: 'why, for the history' },
    BY_OPTION,
  ],
  examples: [
    'penstock plugin push build/limit.wasm',
    'penstock plugin push build/limit.wasm --filter demo/limit',
    'penstock plugin push build/limit.wasm --filter demo/limit --canary 5% --promote-after 10m',
  ],
  async run(call) {
    const file = call.args[0] ?? ''
    const target = call.options.text('filter')
    const place = target === undefined ? null : parseFilterTarget(target, '--filter')
    const bytes = await readModule(resolve(call.io.cwd, file), file)
    const body = { type: 'application/wasm', bytes } as const
    const client = await ApiClient.open(call, callerName(call))
    const trial = {
      canary: call.options.text('canary'),
      sticky: call.options.text('sticky'),
      promoteAfter: call.options.text('promoteAfter'),
      reason: call.options.text('reason'),
    }
    const as = call.options.text('as')
    if (place === null) {
      const path = `/plugin-store${queryOf({ ...(as === undefined ? {} : identity(as)), ...trial })}`
      const outcome = await client.call(storedOutcomeSchema, 'POST', path, body)
      await pushMap(call, client, { file, bytes, digest: outcome.digest })
      if (!writeData(call, outcome)) {
        call.io.stdout.write(`${printable(storedSentence(outcome, 'stored'))}\n`)
      }
      return EXIT.ok
    }
    if (as !== undefined) {
      const reason = '--as is for the store: leave it out, or leave out --filter'
      throw new GatewayError('CLI_USAGE', { reason })
    }
    const path = `${pluginPath(...place)}${queryOf(trial)}`
    const outcome = await client.call(pushSchema, 'PUT', path, body)
    await pushMap(call, client, { file, bytes, digest: outcome.digest })
    if (!writeData(call, outcome)) tell(call, outcome)
    return EXIT.ok
  },
})

/** The reader of modules behind it is not loaded by every command. */
async function pushMap(call: CommandCall, client: ApiClient, module: PushedModule): Promise<void> {
  const { pushSourceMap } = await import('../source-map-push.ts')
  const file = resolve(call.io.cwd, module.file)
  await pushSourceMap(call, client, { ...module, file })
}

function tell(
  call: CommandCall,
  {
    pipeline,
    filter,
    digest,
    previousDigest,
    percent,
    durationMs,
  }: ReturnType<typeof pushSchema.parse>,
): void {
  const shown = shortDigest(digest)
  const before = previousDigest === '' ? '' : `, before ${shortDigest(previousDigest)}`
  const what =
    percent === null || percent === undefined
      ? `${pipeline}/${filter} runs ${shown}${before}`
      : `${pipeline}/${filter} tries ${shown} on ${percent}% of the clients, the others stay with ${shortDigest(previousDigest)}`
  call.io.stdout.write(`${printable(what)} (${Math.round(durationMs)} ms)\n`)
  if (!call.io.stdout.isTerminal) return
  const back = `penstock plugin rollback ${pipeline}/${filter}`
  call.io.stdout.write(`Next: "${printable(back)}" goes back to what ran before.\n`)
}

function identity(text: string): { name: string; version: string } {
  const target = parsePluginTarget(text)
  if (target.kind === 'stored' && target.version !== null) {
    return { name: target.name, version: target.version }
  }
  throw new GatewayError('CLI_USAGE', {
    reason: `--as NAME@VERSION: "${text}" is not of that form`,
  })
}

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
