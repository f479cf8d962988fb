import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { PackedPackage } from './local-registry.ts'

const REPOSITORY = join(import.meta.dirname, '../..')

/** A shell whose Node is the machine's own, as a new user has it; npm asks its cache before a registry. */
export const USER_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((dir) => !dir.includes('node_modules'))
    .join(delimiter),
  NO_COLOR: '1',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
  npm_config_prefer_offline: 'true',
}

/** Packs what is published, builds included, into `folder`; the last one is `create-penstock`. */
export async function packPackages(folder: string): Promise<PackedPackage[]> {
  const packages: PackedPackage[] = []
  for (const dir of ['.', 'sdk', 'host/create']) packages.push(await pack(dir, folder))
  return packages
}

async function pack(dir: string, folder: string): Promise<PackedPackage> {
  const args = ['pack', `./${dir}`, '--json', '--pack-destination', folder]
  const stdout = await runAsUser('npm', args, REPOSITORY)
  // What the build says comes before the list.
  const list = JSON.parse(stdout.slice(stdout.search(/^[[{]$/m))) as unknown
  const [entry] = Object.values(list as Record<string, { filename: string; integrity: string }>)
  const manifest = JSON.parse(await readFile(join(REPOSITORY, dir, 'package.json'), 'utf8'))
  return {
    file: join(folder, entry?.filename ?? ''),
    integrity: entry?.integrity ?? '',
    manifest: manifest as PackedPackage['manifest'],
  }
}

/** Answers what it wrote; a failure shows all of it. */
export function runAsUser(command: string, args: readonly string[], cwd: string): Promise<string> {
  const options = { cwd, env: USER_ENVIRONMENT, maxBuffer: 16 * 1024 * 1024 }
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`))
    })
  })
}
