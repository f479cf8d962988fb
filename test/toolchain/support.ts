import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Cleanup } from '../support/gateway.ts'
import { temporaryFolder } from '../support/guest.ts'

/** The import line every source of these tests begins with. */
export const IMPORTS = `import { Body, Filter, next, parameters, reply, Request, Response, Result, result } from '@penstock/sdk'
`

/** A plugin's folder with these files; `index.ts` gets the import line. Returns the folder. */
export async function pluginFolder(
  cleanup: Cleanup,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const dir = join(await temporaryFolder(cleanup), 'My Plugin')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), name === 'index.ts' ? `${IMPORTS}${text}` : text)
  }
  return dir
}
