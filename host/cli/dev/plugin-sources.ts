import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Folders of a plugin without sources of it. */
const SKIPPED = new Set(['node_modules', 'build', 'dist'])

/** The files whose change makes another plugin: its sources, no tests, and what names it. */
export function pluginSources(folder: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (!entry.name.startsWith('.') && !SKIPPED.has(entry.name))
        found.push(...pluginSources(path))
    } else if (entry.name === 'package.json' || isSource(entry.name)) found.push(path)
  }
  return found
}

function isSource(name: string): boolean {
  return name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts')
}
