import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program the benchmarks need is not installed; the message says how to get it. */
export class MissingTool extends Error {
  constructor(tool: string, debianPackage: string) {
    super(`${tool} is not installed: sudo apt-get install ${debianPackage}`)
    this.name = 'MissingTool'
  }
}

/** The path of a program, or null. Servers lie in /usr/sbin, which not every user has in PATH. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  for (const folder of folders) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder.
    }
  }
  return null
}

/** The path of a program that must be there; fails with MissingTool. */
export function needProgram(name: string, debianPackage: string): string {
  const path = findProgram(name)
  if (path === null) throw new MissingTool(name, debianPackage)
  return path
}
