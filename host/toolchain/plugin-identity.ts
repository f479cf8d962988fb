import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from '../config/schema.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { type AskedGrant, askedSpec } from '../wasm/grant/grant-spec.ts'

/** The largest body a plugin gets when it names no limit, in bytes. */
const DEFAULT_BODY_LIMIT = 4 * 1024 * 1024

/** What a plugin is called, and what it asks for that its source does not say. */
export interface PluginIdentity {
  readonly name: string
  readonly version: string
  readonly shared: readonly string[]
  readonly bodyLimit: number
  /** What it asks for that its source does not show. */
  readonly grant: AskedGrant
}

const schema = z.looseObject({
  name: z.string().optional(),
  version: z.string().default('0.0.0'),
  penstock: z
    .strictObject({
      /** `ctx` keys that filters of other plugins may read and write. */
      shared: z.array(z.string().min(1).max(256)).max(64).default([]),
      /** Bytes of the largest body a phase is given. */
      bodyLimit: z.int().min(1).default(DEFAULT_BODY_LIMIT),
      grant: askedSpec.strict().prefault({}),
    })
    .prefault({}),
})

/** The package file that names a plugin, whether it is there or not. */
export function packageFileOf(entry: string): string {
  return join(dirname(entry), 'package.json')
}

/**
 * The identity of the plugin with this entry: from the `package.json` beside it, else the name of its
 * folder (of the file, when that is not called `index.ts`) and 0.0.0. `read` gives the text of a file.
 * TOOLCHAIN_PACKAGE when that file is wrong.
 */
export function identityOf(entry: string, read: (path: string) => string): PluginIdentity {
  const path = packageFileOf(entry)
  const isFolder = basename(entry) === 'index.ts'
  const fallback = isFolder ? basename(dirname(entry)) : basename(entry, '.ts')
  const found = isFolder && existsSync(path) ? parsePackage(path, read(path)) : schema.parse({})
  return {
    name: pluginName(found.name ?? fallback),
    version: found.version,
    ...found.penstock,
  }
}

function parsePackage(path: string, text: string): z.output<typeof schema> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
        : reasonOf(error)
    throw new GatewayError('TOOLCHAIN_PACKAGE', { path, reason }, error)
  }
}

/** `@acme/Api Key` becomes `acme.api-key`: a name is lower case letters, digits and `. _ -`. */
function pluginName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/^@/, '')
    .replaceAll('/', '.')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64)
  return name === '' ? 'plugin' : name
}
