import { basename } from 'node:path'
import { printable } from '../config/issues.ts'
import { sourceMapFileOf } from '../control/source-map-file.ts'
import { reasonOf } from '../errors.ts'
import type { ApiClient } from './api-client.ts'
import type { CommandCall } from './command.ts'
import { paint } from './errors.ts'
import { sourceMapSchema } from './replies.ts'

/** A module that was pushed from a file. */
export interface PushedModule {
  readonly file: string
  readonly bytes: Uint8Array
  /** As the gateway has answered. */
  readonly digest: string
}

/**
 * Sends the source map that lies beside a pushed module, so that its traps are logged with a line. After the
 * module, which is what the gateway keeps a map for. Never fails: a map that is refused costs a warning, and
 * the module runs.
 */
export async function pushSourceMap(
  { io }: Pick<CommandCall, 'io'>,
  client: ApiClient,
  { file, bytes, digest }: PushedModule,
): Promise<void> {
  const map = sourceMapFileOf(file, bytes)
  if (map === null) return
  try {
    const body = { type: 'application/json', bytes: await map.read() } as const
    const target = `/plugin-source-maps/${encodeURIComponent(digest)}`
    await client.call(sourceMapSchema, 'PUT', target, body)
  } catch (error) {
    const label = paint(io.stderr, io.env, 'yellow', 'warning:')
    const text = `${basename(map.path)} was not kept: ${reasonOf(error)}`
    io.stderr.write(`${label} ${printable(text)}\n`)
    io.stderr.write('The module was, but its traps are logged without a line.\n')
  }
}
