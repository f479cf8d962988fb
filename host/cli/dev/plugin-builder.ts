import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { FileWatch } from '../../file-watch.ts'
import { findBuild } from '../../toolchain/build-cache.ts'
import { type BuildResult, buildPlugin } from '../../toolchain/build-plugin.ts'
import { identityOf } from '../../toolchain/plugin-identity.ts'
import { ResidentCompiler } from '../../toolchain/resident.ts'
import { pluginSources } from './plugin-sources.ts'

/** How often sources are looked at: a save is seen within twice this time. */
const WATCH_INTERVAL_MS = 50

/** A plugin that was built, or was not. */
export interface PluginBuild {
  readonly folder: string
  readonly result: BuildResult
}

/**
 * Compiles the plugins of a project once, and again when their sources change. What it builds is
 * `build/NAME.dev.wasm`, in a quarter of the time that optimizing takes and with the names of functions;
 * `build/NAME.wasm`, which is shipped, is left alone. `standIns` leads from the one to the other.
 */
export class PluginBuilder {
  readonly standIns = new Map<string, string>()
  readonly #compiler = new ResidentCompiler()
  readonly #folders: readonly string[]
  #watch: FileWatch | null = null

  /** `folders` are plugins, each with an `index.ts`. */
  constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /** With `takesShipped`, a shipped build that is current is as good as one of ours. */
  async buildAll(
    takesShipped: boolean,
    onBuilt: (build: PluginBuild) => Promise<void> | void,
  ): Promise<void> {
    let isWarm = false
    for (const folder of this.#folders) {
      const shipped = shippedModule(folder)
      const isCurrent = takesShipped && findBuild({ entry: entryIn(folder) }, shipped) !== null
      const result = isCurrent
        ? await buildPlugin({ path: folder }, this.#compiler.compile)
        : await this.#build(folder)
      isWarm ||= result.kind === 'failed' || !result.isCached
      await onBuilt({ folder, result })
    }
    // They may all have been built before: the first save should not wait for the compiler to load.
    const first = this.#folders[0]
    if (!isWarm && first !== undefined) this.#compiler.warm(entryIn(first))
  }

  /** `onBuilt` hears of every plugin whose sources were saved, whether it compiled or not. */
  async watch(
    onBuilt: (build: PluginBuild, source: string) => Promise<void>,
    onProblem: (error: unknown, source: string) => void,
  ): Promise<void> {
    this.#watch = new FileWatch(
      () => this.#folders.filter((folder) => existsSync(folder)).flatMap(pluginSources),
      async (changed) => {
        // One build for everything that was saved together.
        const byFolder = new Map<string, string>()
        for (const source of changed) byFolder.set(this.#folderOf(source), source)
        for (const [folder, source] of byFolder) {
          try {
            await onBuilt({ folder, result: await this.#build(folder) }, source)
          } catch (error) {
            onProblem(error, source)
          }
        }
      },
      WATCH_INTERVAL_MS,
    )
    await this.#watch.start()
  }

  /**
   * The build with every function and name of the module in this file, made when it is not there; null for
   * a module that is not of these plugins, or that no longer compiles.
   */
  async debugBuildOf(file: string): Promise<string | null> {
    const folder = this.#folders.find(
      (one) => file === shippedModule(one) || file === developmentModule(one),
    )
    if (folder === undefined) return null
    if (file === developmentModule(folder)) return file
    const result = await this.#compile(folder)
    return result.kind === 'built' ? result.outFile : null
  }

  async close(): Promise<void> {
    this.#watch?.close()
    await this.#compiler.close()
  }

  async #build(folder: string): Promise<BuildResult> {
    const result = await this.#compile(folder)
    if (result.kind === 'built') this.standIns.set(shippedModule(folder), result.outFile)
    return result
  }

  #compile(folder: string): Promise<BuildResult> {
    const outFile = developmentModule(folder)
    const request = { path: folder, outFile, optimize: 0, names: true } as const
    return buildPlugin(request, this.#compiler.compile)
  }

  #folderOf(source: string): string {
    return this.#folders.find((folder) => source.startsWith(folder + sep)) ?? dirname(source)
  }
}

function entryIn(folder: string): string {
  return join(folder, 'index.ts')
}

/** Where `penstock build` puts the module of this plugin. */
function shippedModule(folder: string): string {
  const { name } = identityOf(entryIn(folder), (path) => readFileSync(path, 'utf8'))
  return join(folder, 'build', `${name}.wasm`)
}

/** Where the build of a session goes. */
function developmentModule(folder: string): string {
  return shippedModule(folder).replace(/\.wasm$/, '.dev.wasm')
}
