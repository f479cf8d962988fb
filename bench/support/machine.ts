import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, type as osType, release, totalmem } from 'node:os'

/** What a figure was measured on. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${osType()} ${release()}`,
    node: process.version,
  }
}

/** The version of an npm package as it is installed. */
export function packageVersion(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return `${name} ${version}`
}

/** The first line a program says about itself; some say it on the error stream. */
export function programVersion(path: string, flag: string): string {
  const command = `"${path}" ${flag} 2>&1 || true`
  const text = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' })
  return text.split('\n')[0]?.trim() ?? ''
}
