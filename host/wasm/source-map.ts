import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { customContent, type ModuleInfo } from './module/module-info.ts'

/** A source map larger than this is not read, and not taken when it is pushed. */
export const SOURCE_MAP_MAX_BYTES = 16 * 1024 * 1024

/** Where a map is: in the module, in the plugin store under its digest, or in a file beside the module's own. */
export type SourceMapPlace = 'inside' | 'stored' | 'beside'

/** The files that may hold the map of a module. */
export interface SourceMapFiles {
  /** Of the plugin store, for exactly these bytes; null without a store. */
  readonly stored: string | null
  /** The module's own file; null when it came without one. */
  readonly module: string | null
}

/** Where the map of a module is; null when it has none that can be read. */
export function findSourceMap(info: ModuleInfo, files: SourceMapFiles): SourceMapPlace | null {
  if (dataUrlIn(info) !== null) return 'inside'
  if (files.stored !== null && isReadable(files.stored)) return 'stored'
  return besideOf(files, info) === null ? null : 'beside'
}

/** The text of the map that `findSourceMap` tells of; null for none. Fails when the file cannot be read. */
export function readSourceMap(info: ModuleInfo, files: SourceMapFiles): string | null {
  const inside = dataUrlIn(info)
  if (inside !== null) return Buffer.from(inside, 'base64').toString('utf8')
  if (files.stored !== null && isReadable(files.stored)) return readFileSync(files.stored, 'utf8')
  const beside = besideOf(files, info)
  return beside === null ? null : readFileSync(beside, 'utf8')
}

/** Does the module bring its map along? Then no other one is looked at. */
export function hasSourceMapInside(info: ModuleInfo): boolean {
  return dataUrlIn(info) !== null
}

/**
 * The map beside `file`: `FILE.map`, or what the module names, when that is a plain name and so in the same
 * folder. Null when there is none. Null for `info`: only `FILE.map`.
 */
export function sourceMapBeside(file: string, info: ModuleInfo | null): string | null {
  for (const name of [`${basename(file)}.map`, info === null ? null : nameIn(info)]) {
    const path = name === null ? null : join(dirname(file), name)
    if (path !== null && existsSync(path)) return path
  }
  return null
}

function besideOf({ module }: SourceMapFiles, info: ModuleInfo): string | null {
  const path = module === null ? null : sourceMapBeside(module, info)
  return path !== null && isReadable(path) ? path : null
}

/** The base64 of a map that the module holds itself. */
function dataUrlIn(info: ModuleInfo): string | null {
  for (const url of urlsIn(info)) {
    const data = /data:application\/json[^,]*;base64,([A-Za-z0-9+/=]+)/.exec(url)
    // Whoever has put the map in may have left the name of a file beside it.
    if (data?.[1] !== undefined) return data[1]
  }
  return null
}

/** A URL is the module's to choose: only a name without a folder may lead to a file. */
function nameIn(info: ModuleInfo): string | null {
  for (const url of urlsIn(info)) {
    const name = url.replace(/^\.\//, '')
    if (/^[^/\\:\u0000-\u001f]{1,255}$/.test(name) && name !== '.' && name !== '..') return name
  }
  return null
}

/** What the sections `sourceMappingURL` hold. The content of one is a name of its own: a length, then the URL. */
function urlsIn(info: ModuleInfo): string[] {
  const found: string[] = []
  for (const section of info.customSections) {
    if (section.name !== 'sourceMappingURL' || section.size > SOURCE_MAP_MAX_BYTES) continue
    const content = customContent(info, section)
    const start = content.findIndex((byte) => byte < 0x80) + 1
    found.push(Buffer.from(content.subarray(start)).toString('utf8'))
  }
  return found
}

function isReadable(path: string): boolean {
  if (!existsSync(path)) return false
  const found = statSync(path)
  return found.isFile() && found.size <= SOURCE_MAP_MAX_BYTES
}
