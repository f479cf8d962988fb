import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * How often files are looked at. A change counts when two looks in a row see the same: a file that is
 * still being written is not read half. So a save is seen within twice this time.
 */
export const WATCH_INTERVAL_MS = 150

/**
 * Watches files and folders by looking at them: size, time and identity of every file. Events of the
 * system would come sooner, but they do not come at all on network and overlay file systems, and links
 * that are switched (as Kubernetes does) escape them. Looking at 100 files costs about 2 ms.
 */
export class FileWatch {
  readonly #paths: () => readonly string[]
  readonly #onChange: (changed: readonly string[]) => Promise<void>
  /** What the last look saw. */
  #seen = new Map<string, string>()
  /** What was last acted on. */
  #known = new Map<string, string>()
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  readonly #intervalMs: number

  /** `paths` is asked every time: what is watched may change. `onChange` is awaited before the next look. */
  constructor(
    paths: () => readonly string[],
    onChange: (changed: readonly string[]) => Promise<void>,
    intervalMs: number = WATCH_INTERVAL_MS,
  ) {
    this.#paths = paths
    this.#onChange = onChange
    this.#intervalMs = intervalMs
  }

  async start(): Promise<void> {
    this.#seen = await this.#look()
    this.#known = new Map(this.#seen)
    this.#schedule()
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(
      () => void this.#check().finally(() => this.#schedule()),
      this.#intervalMs,
    )
    this.#timer.unref()
  }

  async #check(): Promise<void> {
    const now = await this.#look()
    const before = this.#seen
    this.#seen = now
    const changed: string[] = []
    for (const path of new Set([...now.keys(), ...this.#known.keys()])) {
      const mark = now.get(path)
      const known = this.#known.get(path)
      if (mark === known || mark !== before.get(path)) continue
      // A file that came to be watched was read at that moment; one that appears in a folder is new.
      if (known !== undefined || this.#isInFolder(path)) changed.push(path)
      if (mark === undefined) this.#known.delete(path)
      else this.#known.set(path, mark)
    }
    if (changed.length > 0 && !this.#isClosed) await this.#onChange(changed)
  }

  readonly #folders = new Set<string>()

  #isInFolder(path: string): boolean {
    for (const folder of this.#folders) if (path.startsWith(folder)) return true
    return false
  }

  async #look(): Promise<Map<string, string>> {
    const marks = new Map<string, string>()
    this.#folders.clear()
    for (const path of this.#paths()) await this.#lookAt(path, marks)
    return marks
  }

  async #lookAt(path: string, marks: Map<string, string>): Promise<void> {
    try {
      const info = await stat(path)
      if (!info.isDirectory()) {
        marks.set(path, `${info.ino} ${info.size} ${info.mtimeMs}`)
        return
      }
      this.#folders.add(join(path, '/'))
      for (const entry of await readdir(path, { withFileTypes: true })) {
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
        if (entry.isDirectory() || /\.(?:ya?ml|json)$/.test(entry.name)) {
          await this.#lookAt(join(path, entry.name), marks)
        }
      }
    } catch {
      // Gone, or between two steps of being replaced: its absence is its mark.
      marks.set(path, 'absent')
    }
  }
}
