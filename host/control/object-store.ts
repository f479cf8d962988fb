import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../config/json.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { writeAtomic } from '../wasm/plugin-store.ts'

/** Keeps the objects that came through the API, so that they are there after a restart. */
export interface ObjectStore {
  load(): Promise<readonly JsonObject[]>
  save(documents: readonly JsonObject[]): Promise<void>
}

/** One file, `objects.json`, replaced whole at every change: a crash leaves the old or the new. */
export class FileObjectStore implements ObjectStore {
  readonly #path: string

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'objects.json')
  }

  async load(): Promise<readonly JsonObject[]> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw new GatewayError('CONFIG_READ', { path: this.#path, reason: reasonOf(error) }, error)
    }
    try {
      return JSON.parse(text) as JsonObject[]
    } catch (error) {
      throw new GatewayError('CONFIG_READ', { path: this.#path, reason: reasonOf(error) }, error)
    }
  }

  save(documents: readonly JsonObject[]): Promise<void> {
    return writeAtomic(this.#path, Buffer.from(`${JSON.stringify(documents, null, 2)}\n`))
  }
}
