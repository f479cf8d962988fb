import { readFileSync } from 'node:fs'

/** The version of this package, from the package.json that is beside the sources and beside what is built. */
export const VERSION: string = readVersion()

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
