import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../../', import.meta.url)

/**
 * Puts into a project what an installation would: the package, made of the sources of this checkout, its
 * command, and the library. Node strips no types under node_modules, so the package only leads out of there.
 */
export async function installPenstock(project: string): Promise<void> {
  const modules = join(project, 'node_modules')
  const gateway = join(modules, '@penstock/gateway')
  await mkdir(gateway, { recursive: true })
  await mkdir(join(modules, '.bin'), { recursive: true })
  const manifest = {
    name: '@penstock/gateway',
    type: 'module',
    exports: { '.': './main.js', './testing': './kit.js' },
  }
  await writeFile(join(gateway, 'package.json'), JSON.stringify(manifest))
  await writeFile(
    join(gateway, 'kit.js'),
    `export * from '${new URL('host/testing.ts', ROOT).href}'\n`,
  )
  await writeFile(
    join(gateway, 'main.js'),
    `export * from '${new URL('host/index.ts', ROOT).href}'\n`,
  )
  const script = fileURLToPath(new URL('host/bin/penstock.cjs', ROOT))
  await symlink(script, join(modules, '.bin/penstock'))
  await symlink(fileURLToPath(new URL('sdk', ROOT)), join(modules, '@penstock/sdk'))
}
