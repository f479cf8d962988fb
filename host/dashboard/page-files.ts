import { createHash } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { PageFile } from '../admin/page.ts'

/** Where the package has the page: made by `npm run build`. */
const BUILT = join(import.meta.dirname, 'page')

/** In a checkout: pages that were bundled when somebody asked, by the digest of what they are made from. */
const CACHE = join(import.meta.dirname, '../../.cache/page')

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

let loaded: Promise<ReadonlyMap<string, PageFile>> | null = null

/**
 * The files of the inspector's page. An installed package has them; in a checkout they are bundled when
 * the page is asked for the first time since its sources changed, which takes about a second.
 */
export function loadPage(): Promise<ReadonlyMap<string, PageFile>> {
  loaded ??= load().catch((error: unknown) => {
    // The next one who asks tries again.
    loaded = null
    throw error
  })
  return loaded
}

async function load(): Promise<ReadonlyMap<string, PageFile>> {
  return await readPage(existsSync(BUILT) ? BUILT : await cachedBuild())
}

async function cachedBuild(): Promise<string> {
  const folder = join(CACHE, await digestOfSources())
  if (existsSync(folder)) return folder
  // Loaded here: an installed package has no bundler.
  const { buildPage } = await import('./build-page.ts')
  await mkdir(CACHE, { recursive: true })
  const draft = await mkdtemp(join(CACHE, 'draft-'))
  await buildPage(draft)
  try {
    await rename(draft, folder)
  } catch (error) {
    // Another process was first, with the same result.
    if (!existsSync(folder)) throw error
    await rm(draft, { recursive: true, force: true })
  }
  await removeOthers(folder)
  return folder
}

/** Pages of former sources; drafts are somebody's who builds right now. */
async function removeOthers(current: string): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const path = join(CACHE, name)
    if (path !== current && !name.startsWith('draft-')) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256')
  const names = globSync('{app/**/*,*.ts,../../package-lock.json}', {
    cwd: import.meta.dirname,
    withFileTypes: false,
  })
  for (const name of names.toSorted()) {
    if (extname(name) === '') continue
    hash.update(`${name}\n`).update(await readFile(join(import.meta.dirname, name)))
  }
  return hash.digest('hex').slice(0, 16)
}

async function readPage(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>()
  for (const name of await readdir(folder)) {
    const type = TYPES[extname(name)]
    if (type !== undefined) files.set(name, { bytes: await readFile(join(folder, name)), type })
  }
  return files
}
