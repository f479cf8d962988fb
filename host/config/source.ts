import type { Dirent } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { GatewayError, isGatewayError, reasonOf } from '../errors.ts'

/** A configuration text and where it came from. */
export interface SourceText {
  /** How messages call it: the path as given, or relative to the working folder. */
  readonly file: string
  /** The absolute folder that relative paths inside the text are resolved from. */
  readonly baseDir: string
  readonly text: string
}

/** What reading needs from outside. */
export interface SourceIo {
  readonly cwd: string
  /** Read when a path is `-`. */
  readonly stdin: Readable
}

export interface SourcesRead {
  readonly sources: readonly SourceText[]
  /** One CONFIG_READ for every path that could not be read; the others are read all the same. */
  readonly failures: readonly GatewayError[]
}

/** Bytes of one configuration file or of standard input. */
export const MAX_SOURCE_BYTES = 16 * 1024 * 1024
/** Files taken from one folder. */
export const MAX_FOLDER_FILES = 10_000
/** Levels of folders below the one that was named. */
export const MAX_FOLDER_DEPTH = 8

const CHUNK_BYTES = 64 * 1024
const EXTENSIONS = ['.yaml', '.yml', '.json']

/**
 * Reads configuration texts. A path is a file, a folder (every .yaml, .yml and .json file in it and in its
 * folders, sorted by path, but nothing hidden and no node_modules) or `-` for standard input. A file
 * that is reached twice is read once.
 */
export async function readSources(paths: readonly string[], io: SourceIo): Promise<SourcesRead> {
  const sources: SourceText[] = []
  const failures: GatewayError[] = []
  const seen = new Set<string>()
  const attempt = async (path: string, read: () => Promise<void>) => {
    try {
      await read()
    } catch (error) {
      failures.push(asReadError(path, error))
    }
  }
  for (const path of paths) {
    await attempt(path, async () => {
      if (path === '-') {
        if (seen.has('-')) return
        seen.add('-')
        const bytes = await readAll('standard input', io.stdin)
        sources.push({ file: '<stdin>', baseDir: io.cwd, text: decode('standard input', bytes) })
        return
      }
      for (const file of await filesOf(path, resolve(io.cwd, path))) {
        await attempt(file, async () => {
          const absolute = resolve(io.cwd, file)
          const real = await realpath(absolute)
          if (seen.has(real)) return
          seen.add(real)
          const text = decode(file, await readFileCapped(file, absolute))
          sources.push({ file: shown(file, io.cwd), baseDir: dirname(absolute), text })
        })
      }
    })
  }
  return { sources, failures }
}

async function filesOf(path: string, absolute: string): Promise<string[]> {
  if (!(await stat(absolute)).isDirectory()) return [path]
  const files: string[] = []
  await walk(path, absolute, 0, files)
  if (files.length === 0) throw unreadable(path, 'the folder holds no .yaml, .yml or .json file')
  // By code unit: the same order on every machine, whatever its language.
  return files.sort((a, b) => (a < b ? -1 : 1))
}

async function walk(path: string, absolute: string, depth: number, files: string[]): Promise<void> {
  if (depth > MAX_FOLDER_DEPTH) {
    throw unreadable(path, `folders are nested deeper than ${MAX_FOLDER_DEPTH}`)
  }
  for (const entry of await readdir(absolute, { withFileTypes: true })) {
    // Hidden names are editors' swap files and, in a mounted Kubernetes volume, the folder `..data`.
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const inside = join(absolute, entry.name)
    const type = await typeOf(entry, inside)
    if (type === 'folder') await walk(join(path, entry.name), inside, depth + 1, files)
    else if (type === 'file' && EXTENSIONS.some((one) => entry.name.endsWith(one))) {
      files.push(join(path, entry.name))
      if (files.length > MAX_FOLDER_FILES) {
        throw unreadable(path, `the folder holds more than ${MAX_FOLDER_FILES} files`)
      }
    }
  }
}

/** A link counts as what it points to, but only to a file: links to folders could run in circles. */
async function typeOf(entry: Dirent, path: string): Promise<'file' | 'folder' | 'other'> {
  if (entry.isDirectory()) return 'folder'
  if (entry.isFile()) return 'file'
  if (!entry.isSymbolicLink() || !EXTENSIONS.some((one) => entry.name.endsWith(one))) return 'other'
  return (await stat(path)).isFile() ? 'file' : 'other'
}

/** Reads in pieces, so that a device or a pipe without an end stops at the limit too. */
async function readFileCapped(file: string, absolute: string): Promise<Buffer> {
  const handle = await open(absolute)
  try {
    return await readAll(file, handle.createReadStream({ highWaterMark: CHUNK_BYTES }))
  } finally {
    await handle.close()
  }
}

async function readAll(file: string, stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > MAX_SOURCE_BYTES) {
      throw unreadable(file, `it is larger than ${MAX_SOURCE_BYTES / 1024 / 1024} MiB`)
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks, length)
}

/** UTF-8 without its byte order mark; anything else is refused, not guessed. */
function decode(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new GatewayError('CONFIG_READ', { path: file, reason: 'it is not UTF-8 text' }, error)
  }
}

function shown(file: string, cwd: string): string {
  const inside = relative(cwd, resolve(cwd, file))
  // As given when it is relative already; a short relative path for an absolute one below the folder.
  return file.startsWith(sep) && inside !== '' && !inside.startsWith('..') ? inside : file
}

function unreadable(path: string, reason: string): GatewayError {
  return new GatewayError('CONFIG_READ', { path, reason })
}

function asReadError(path: string, error: unknown): GatewayError {
  if (isGatewayError(error)) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new GatewayError('CONFIG_READ', { path, reason: REASONS[code] ?? reasonOf(error) }, error)
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: 'no such file or folder',
  ELOOP: 'too many symbolic links',
}
