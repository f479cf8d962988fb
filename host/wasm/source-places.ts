import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping'
import { reasonOf } from '../errors.ts'
import type { GuestFrame } from './guest-frames.ts'
import { customContent, type ModuleInfo } from './module/module-info.ts'
import type { OffsetMap } from './module/offset-map.ts'

/** A source map larger than this is not read. */
export const SOURCE_MAP_MAX_BYTES = 16 * 1024 * 1024

/** How far before an offset without a place the nearest one is looked for, in bytes. */
const BACKTRACK_BYTES = 64
/** The same for the author's own code around inlined library code. */
const INLINE_BYTES = 2_048

/**
 * Leads from offsets in the code that ran to places in the sources it was compiled from: through the gate's
 * offset map, then the compiler's source map, which lies beside the module (`x.wasm.map`) or inside it (the
 * custom section `sourceMappingURL` as a data URL). Read when the first trap needs it.
 */
export class SourcePlaces {
  readonly #info: ModuleInfo
  readonly #file: string | null
  readonly #offsets: OffsetMap
  #map: TraceMap | null | undefined

  /** `file` is where the module was read from; null when it came without a file. */
  constructor(info: ModuleInfo, file: string | null, offsets: OffsetMap) {
    this.#info = info
    this.#file = file
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
    for (let back = 0; back <= reach; back++) {
      const found = originalPositionFor(this.#map, { line: 1, column: offset - back })
      if (found.source !== null && !(isOwn && isForeign(found.source))) {
        return `${this.#pathOf(found.source)}:${found.line}:${found.column + 1}`
      }
    }
    return null
  }

  /** As a person would call the file: relative to the working folder when it is there. */
  #pathOf(source: string): string {
    const name = source.replace(/^(?:\.\/)?(?:[^/]+\/)?(~lib\/)/, '$1')
    if (name.startsWith('~lib/') || this.#file === null) return name
    const base = dirname(this.#file)
    const bare = name.replace(/^\.\//, '')
    const tail = bare.slice(bare.indexOf('/') + 1)
    for (const candidate of [join(base, '..', tail), join(base, '..', bare), join(base, tail)]) {
      if (existsSync(candidate)) return relative(process.cwd(), candidate)
    }
    return bare
  }

  #load(): TraceMap | null {
    try {
      const text = this.#inside() ?? this.#beside()
      return text === null ? null : new TraceMap(text)
    } catch (error) {
      // A trap is explained without its place rather than not at all.
      process.emitWarning(`the source map of a plugin cannot be used: ${reasonOf(error)}`)
      return null
    }
  }

  #inside(): string | null {
    for (const section of this.#info.customSections) {
      if (section.name !== 'sourceMappingURL' || section.size > SOURCE_MAP_MAX_BYTES) continue
      // The content is a name of its own: a length, then the URL.
      const text = Buffer.from(customContent(this.#info, section)).toString('utf8')
      const data = /data:application\/json[^,]*;base64,([A-Za-z0-9+/=]+)/.exec(text)
      // Whoever has put the map in may have left the name of a file beside it.
      if (data !== null) return Buffer.from(data[1] ?? '', 'base64').toString('utf8')
    }
    return null
  }

  #beside(): string | null {
    const path = this.#file === null ? null : `${this.#file}.map`
    if (path === null || !existsSync(path)) return null
    const bytes = readFileSync(path)
    return bytes.length > SOURCE_MAP_MAX_BYTES ? null : bytes.toString('utf8')
  }
}

/** Not the author's: the standard library, the SDK, or the entry that the build makes. */
function isForeign(source: string): boolean {
  return source.includes('~lib/') || source.endsWith('penstock-entry.ts')
}
