import { mkdir, open, readFile, rm, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { JsonObject } from '../config/json.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { writeAtomic } from '../stored-file.ts'

/** One change of the objects that came through the API. */
export interface ObjectChange {
  /** Objects that are new or different, whole. */
  readonly put: readonly JsonObject[]
  /** Names that are gone. */
  readonly deleted: readonly string[]
}

/** Keeps the objects that came through the API, so that they are there after a restart. */
export interface ObjectStore {
  load(): Promise<readonly JsonObject[]>
  /** Resolves when `change` is on the disk. `all` is what it leads to, asked for now and then only. */
  save(change: ObjectChange, all: () => readonly JsonObject[]): Promise<void>
}

/** A journal shorter than this is not worth a new list. */
export const MIN_JOURNAL_BYTES = 64 * 1024

/**
 * A list of all objects, and a journal of the changes since it was written: what a change costs does not
 * depend on how many objects there are. A crash leaves a change whole or leaves it out.
 *
 *     objects.json    [ … ]                          replaced whole
 *     objects.log     {"put":[…],"deleted":[…]}      a line a change, added to the end
 *
 * When the journal is longer than the list, the list is written anew and the journal goes. A crash between
 * the two does no harm: the journal leads to the list that was written, also when it is read twice.
 */
export class FileObjectStore implements ObjectStore {
  readonly #listPath: string
  readonly #journalPath: string
  #hasFolder = false
  #listBytes = 0
  #journalBytes = 0

  constructor(dataDir: string) {
    this.#listPath = join(dataDir, 'objects.json')
    this.#journalPath = join(dataDir, 'objects.log')
  }

  async load(): Promise<readonly JsonObject[]> {
    const list = await readText(this.#listPath)
    const journal = await readText(this.#journalPath)
    const objects = new Map<string, JsonObject>()
    const parsed = list === '' ? [] : parse<JsonObject[]>(list, this.#listPath)
    for (const object of parsed) objects.set(nameOf(object), object)
    // A line without an end is a change that a crash has cut off: nobody was told that it was kept.
    const whole = journal.slice(0, journal.lastIndexOf('\n') + 1)
    for (const line of whole.split('\n')) {
      if (line !== '') replay(parse<ObjectChange>(line, this.#journalPath), objects)
    }
    this.#listBytes = Buffer.byteLength(list)
    this.#journalBytes = Buffer.byteLength(whole)
    if (whole.length < journal.length) await truncate(this.#journalPath, this.#journalBytes)
    return [...objects.values()]
  }

  async save(change: ObjectChange, all: () => readonly JsonObject[]): Promise<void> {
    await this.#append(`${JSON.stringify(change)}\n`)
    if (this.#journalBytes <= Math.max(MIN_JOURNAL_BYTES, this.#listBytes)) return
    const text = `${JSON.stringify(all(), null, 2)}\n`
    await writeAtomic(this.#listPath, Buffer.from(text))
    await rm(this.#journalPath, { force: true })
    this.#listBytes = Buffer.byteLength(text)
    this.#journalBytes = 0
  }

  async #append(line: string): Promise<void> {
    if (!this.#hasFolder) await mkdir(dirname(this.#journalPath), { recursive: true })
    this.#hasFolder = true
    const handle = await open(this.#journalPath, 'a', 0o600)
    try {
      await handle.appendFile(line)
      await handle.datasync()
      this.#journalBytes += Buffer.byteLength(line)
    } catch (error) {
      // Half a line would spoil the next one.
      await handle.truncate(this.#journalBytes)
      throw error
    } finally {
      await handle.close()
    }
  }
}

function replay(change: ObjectChange, objects: Map<string, JsonObject>): void {
  for (const object of change.put) objects.set(nameOf(object), object)
  for (const name of change.deleted) objects.delete(name)
}

function nameOf(object: JsonObject): string {
  return String(object['name'])
}

/** "" when there is no such file. */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new GatewayError('CONFIG_READ', { path, reason: reasonOf(error) }, error)
  }
}

function parse<T>(text: string, path: string): T {
  try {
    // Nobody but this class writes these files.
    return JSON.parse(text) as T
  } catch (error) {
    throw new GatewayError('CONFIG_READ', { path, reason: reasonOf(error) }, error)
  }
}
