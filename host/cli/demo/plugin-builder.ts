import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FileWatch } from '../../file-watch.ts'
import { type BuildResult, buildPlugin } from '../../toolchain/build-plugin.ts'
import { ResidentCompiler } from '../../toolchain/resident.ts'

/** The folder with a folder for each plugin. */
export const PLUGINS_DIR = join(import.meta.dirname, '..', '..', '..', 'plugins')

/** Compiles the plugins of a folder once, and again when their sources change. */
export class PluginBuilder {
  readonly #compiler = new ResidentCompiler()
  readonly #dirs: readonly string[]
  #watch: FileWatch | null = null

  constructor(pluginsDir: string) {
    this.#dirs = readdirSync(pluginsDir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(pluginsDir, entry.name))
  }

  async buildAll(onBuilt: (result: BuildResult) => void): Promise<void> {
    for (const path of this.#dirs) onBuilt(await buildPlugin({ path }, this.#compiler.compile))
  }

  /** `onBuilt` hears of every plugin whose sources were saved, whether it compiled or not. */
  async watch(onBuilt: (result: BuildResult, source: string) => Promise<void>): Promise<void> {
    const sources = (): string[] => this.#dirs.flatMap(sourcesOf)
    this.#watch = new FileWatch(sources, async (changed) => {
      for (const source of changed) {
        const path = this.#dirs.find((dir) => source.startsWith(dir)) ?? dirname(source)
        await onBuilt(await buildPlugin({ path }, this.#compiler.compile), source)
      }
    })
    await this.#watch.start()
    // The plugins may all have been built before: the first save should not wait for the compiler to load.
    if (this.#dirs[0] !== undefined) this.#compiler.warm(join(this.#dirs[0], 'index.ts'))
  }

  async close(): Promise<void> {
    this.#watch?.close()
    await this.#compiler.close()
  }
}

function sourcesOf(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(dir, name))
}
