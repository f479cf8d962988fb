import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { FRAME_CONTEXT_LINES } from './limits.ts'
import type { FailureRecord } from './record.ts'

/** A source map or a source that is larger is not read. */
const MAX_SOURCE_BYTES = 16 * 1024 * 1024

/**
 * The lines around the place to blame: the first of `places`, which read `plugins/x/index.ts:21:9 in name`,
 * that is not in a library. The text is that of the source map beside the module, which is what was
 * compiled; the file on disk, which may have been edited since, stands in. Null when there is neither.
 */
export function sourceLines(
  places: readonly string[],
  files: readonly string[],
): FailureRecord['source'] {
  for (const place of [...places.filter((one) => !one.startsWith('~lib/')), ...places]) {
    const [, file = '', line, column] = /^(.+?\.ts):(\d+)(?::(\d+))?/.exec(place) ?? []
    if (file === '') continue
    const text = textFromMap(file, files) ?? read(resolve(file))
    if (text === null) continue
    return around(file, text, Number(line), Number(column ?? 0))
  }
  return null
}

function around(file: string, text: string, line: number, column: number): FailureRecord['source'] {
  const all = text.split(/\r?\n/)
  if (line < 1 || line > all.length) return null
  const first = Math.max(1, line - FRAME_CONTEXT_LINES)
  const lines = all
    .slice(first - 1, line + FRAME_CONTEXT_LINES)
    .map((content, index) => ({ number: first + index, text: content }))
  return { file, line, column, lines }
}

/** From the `sourcesContent` of a map beside one of the modules: the longest common ending names the file. */
function textFromMap(file: string, modules: readonly string[]): string | null {
  for (const module of modules) {
    const text = read(`${module}.map`)
    if (text === null) continue
    try {
      const map = JSON.parse(text) as { sources?: string[]; sourcesContent?: (string | null)[] }
      const index = (map.sources ?? []).findIndex((source) => isSameFile(file, source))
      const content = map.sourcesContent?.[index]
      if (typeof content === 'string') return content
    } catch {
      // A map that cannot be read is as good as none: the file on disk stands in.
    }
  }
  return null
}

/** `plugins/x/index.ts` is the map's `index.ts` or `./index.ts`; the map knows no folder above its own. */
function isSameFile(path: string, source: string): boolean {
  const bare = source.replace(/^\.\//, '')
  if (path.startsWith('~lib/') !== bare.startsWith('~lib/')) return false
  return basename(path) === basename(bare) && (path === bare || path.endsWith(`/${bare}`))
}

function read(path: string): string | null {
  try {
    if (!existsSync(path) || statSync(path).size > MAX_SOURCE_BYTES) return null
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
