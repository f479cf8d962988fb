import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Body } from '../exchange/body.ts'

/** Bytes that a body may have after it was decompressed: a few kilobytes can become gigabytes. */
export const MAX_DECOMPRESSED_BYTES = 16 * 1024 * 1024

const unzip = promisify(gunzip)

/** The same body, decompressed. Takes the whole of it; fails when it is no gzip, or past a limit. */
export async function gunzipBody(source: Body): Promise<Body> {
  const bytes = await source.collect()
  if (bytes.length === 0) return Body.none
  return Body.bytes(await unzip(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES }))
}
