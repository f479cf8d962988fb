import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { decodedMappings, originalPositionFor, TraceMap } from '@jridgewell/trace-mapping'
import { reasonOf } from '../errors.ts'
import type { GuestFrame } from './guest-frames.ts'
import type { ModuleInfo } from './module/module-info.ts'
import type { OffsetMap } from './module/offset-map.ts'
import { readSourceMap, type SourceMapFiles } from './source-map.ts'

/** How far before an offset without a place the nearest one is looked for, in bytes. */
const BACKTRACK_BYTES = 64
/** The same for the author's own code around inlined library code. */
const INLINE_BYTES = 2_048

/**
 * Leads from offsets in the code that ran to places in the sources it was compiled from: through the gate's
 * offset map, then the compiler's source map: inside the module (the custom section `sourceMappingURL` as a
 * data URL), in the plugin store, or beside the module (`x.wasm.map`). Read when the first trap needs it; one
 * that comes later, as after a push, is found by the next trap.
 */
export class SourcePlaces {
  readonly #info: ModuleInfo
  readonly #files: SourceMapFiles
  readonly #offsets: OffsetMap
  #map: TraceMap | null | undefined

  constructor(info: ModuleInfo, files: SourceMapFiles, offsets: OffsetMap) {
    this.#info = info
    this.#files = files
    this.#offsets = offsets
  }

  /** `plugins/x/index.ts:21:9 in Filter#onRequest`, or the offset where no source is known; innermost first. */
  explain(frames: readonly GuestFrame[]): string[] {
    return frames.map((frame) => {
      const offset = this.#offsets.toOriginal(frame.offset) ?? frame.offset
      const place = this.#placeOf(offset) ?? `offset 0x${offset.toString(16)}`
      return frame.name === '' ? place : `${place} in ${frame.name}`
    })
  }

  /**
   * The place of the author's own code that is nearest to the fault: frames of the standard library and of
   * the SDK come first in a stack, and say little. Optimized code has the library inlined and no frame of
   * the author's; then it is the author's code in front of the inlined part.
   */
  blame(frames: readonly GuestFrame[]): string | null {
    const places = this.explain(frames)
    const own = places.find((place) => !/^(?:~lib\/|offset )|penstock-entry\.ts:/.test(place))
    if (own !== undefined) return own
    for (const frame of frames) {
      const offset = this.#offsets.toOriginal(frame.offset) ?? frame.offset
      const near = this.#placeOf(offset, INLINE_BYTES, true)
      if (near !== null) return near
    }
    return places[0] ?? null
  }

  #placeOf(offset: number, reach = BACKTRACK_BYTES, isOwn = false): string | null {
    this.#map ??= this.#load()
    if (this.#map === null) return null
    // In a map of Wasm the line is always 1 and the column is the offset. Inlined code has gaps.
    for (let back = 0; back <= Math.min(reach, offset); back++) {
      const found = originalPositionFor(this.#map, { line: 1, column: offset - back })
      // A map may name a source that it does not have.
      if (typeof found.source === 'string' && !(isOwn && isForeign(found.source))) {
        return `${this.#pathOf(found.source)}:${found.line}:${found.column + 1}`
      }
    }
    return null
  }

  /** As a person would call the file: relative to the working folder when it is there. */
  #pathOf(source: string): string {
    const bare = source.replace(/^\.\//, '').replace(/^(?:[^/]+\/)?(~lib\/)/, '$1')
    if (bare.startsWith('~lib/') || this.#files.module === null) return bare
    const base = dirname(this.#files.module)
    const tail = bare.slice(bare.indexOf('/') + 1)
    for (const candidate of [join(base, '..', tail), join(base, '..', bare), join(base, tail)]) {
      if (existsSync(candidate)) return relative(process.cwd(), candidate)
    }
    return bare
  }

  #load(): TraceMap | null {
    try {
      const text = readSourceMap(this.#info, this.#files)
      if (text === null) return null
      const map = new TraceMap(text)
      // Now, so that what is wrong with it is told here and not in the middle of a trap.
      decodedMappings(map)
      return map
    } catch (error) {
      // A trap is explained without its place rather than not at all.
      process.emitWarning(`the source map of a plugin cannot be used: ${reasonOf(error)}`)
      return null
    }
  }
}

/** Not the author's: the standard library, the SDK, or the entry that the build makes. */
function isForeign(source: string): boolean {
  return source.includes('~lib/') || source.endsWith('penstock-entry.ts')
}
