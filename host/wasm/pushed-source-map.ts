import { z } from '../config/schema.ts'
import { GatewayError } from '../errors.ts'

const schema = z.object({
  version: z.literal(3),
  sources: z.array(z.string().nullable()),
  names: z.array(z.string()).default([]),
  mappings: z.string(),
  sourceRoot: z.string().nullish(),
})

/**
 * What is kept of the source map of a stored module: the fields that lead from offsets to places. The sources
 * themselves, which compilers put in, are left out: they are most of it, and nobody reads them here.
 * Fails with PLUGIN_SOURCE_MAP, also for damage that would show only when the first trap needs the map.
 */
export function keptSourceMap(bytes: Uint8Array): Buffer {
  const { sourceRoot, ...map } = parse(bytes)
  checkMappings(map.mappings, map.sources.length)
  return Buffer.from(JSON.stringify(sourceRoot == null ? map : { ...map, sourceRoot }))
}

function parse(bytes: Uint8Array): z.output<typeof schema> {
  let data: unknown
  try {
    data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new GatewayError('PLUGIN_SOURCE_MAP', { reason: 'it is no JSON text' }, error)
  }
  const map = schema.safeParse(data)
  if (map.success) return map.data
  const path = map.error.issues[0]?.path.join('.') ?? ''
  const reason =
    path === '' ? 'it is no JSON object' : `its field ${path} is not that of a map of version 3`
  throw new GatewayError('PLUGIN_SOURCE_MAP', { reason }, map.error)
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** The value of each base64 digit, by character code; -1 for everything else. */
const VALUES = Int8Array.from({ length: 128 }, (_, code) =>
  DIGITS.indexOf(String.fromCharCode(code)),
)
const COMMA = 0x2c
const SEMICOLON = 0x3b
/** Base64 digits of one number: 7 of 5 bits hold the 32 that the format allows. */
const MAX_DIGITS = 7

/**
 * Reads the mappings without making anything of them: segments of 1, 4 or 5 numbers (ECMA-426, section
 * "Mappings structure"), each a base64 VLQ, the second of which moves on to another source.
 */
function checkMappings(mappings: string, sources: number): void {
  let source = 0
  let numbers = 0
  for (let at = 0; at < mappings.length; ) {
    const code = mappings.charCodeAt(at)
    if (code === COMMA || code === SEMICOLON) {
      if (numbers === 2 || numbers === 3) throw damaged(at)
      numbers = 0
      at += 1
      continue
    }
    const start = at
    let value = 0
    let digit: number
    do {
      digit = VALUES[mappings.charCodeAt(at)] ?? -1
      if (digit === -1 || at - start === MAX_DIGITS) throw damaged(at)
      value += (digit & 31) * 2 ** (5 * (at - start))
      at += 1
    } while ((digit & 32) !== 0)
    numbers += 1
    if (numbers > 5) throw damaged(start)
    if (numbers !== 2) continue
    // The lowest bit is the sign.
    source += value % 2 === 1 ? -Math.floor(value / 2) : value / 2
    if (source < 0 || source >= sources) {
      const reason = `its mappings name source ${source}, and it has ${sources}`
      throw new GatewayError('PLUGIN_SOURCE_MAP', { reason })
    }
  }
  if (numbers === 2 || numbers === 3) throw damaged(mappings.length)
}

function damaged(at: number): GatewayError {
  return new GatewayError('PLUGIN_SOURCE_MAP', { reason: `its mappings are damaged at ${at}` })
}
