/** One level of the stack of a guest that trapped. */
export interface GuestFrame {
  /** From the module's name section; "" when it has none. */
  readonly name: string
  /** Byte offset in the module that ran. */
  readonly offset: number
}

/** Frames that are kept: V8 shows ten unless it is told otherwise. */
export const MAX_FRAMES = 10

/** The guest's frames in the stack of what it threw, innermost first. */
export function framesOf(error: unknown): GuestFrame[] {
  const isWrapped = error instanceof Error && error.cause instanceof Error
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const frames: GuestFrame[] = []
  for (const [, name, offset] of stack.matchAll(
    /at (?:(\S+) \()?wasm:\/\/[^\s:]+:wasm-function\[\d+\]:0x([0-9a-f]+)/g,
  )) {
    frames.push({
      name: (name ?? '').replace(/^wasm-module\.|^[0-9a-f]+\./, ''),
      offset: Number.parseInt(offset ?? '0', 16),
    })
    if (frames.length === MAX_FRAMES) break
  }
  return frames.length === 0 && isWrapped ? framesOf(error.cause) : frames
}

/** As text that fits in one field: `offset name;…`. */
export function encodeFrames(frames: readonly GuestFrame[]): string {
  return frames.map((frame) => `${frame.offset} ${frame.name}`).join(';')
}

export function decodeFrames(text: string): GuestFrame[] {
  if (text === '') return []
  return text.split(';').map((part) => {
    const space = part.indexOf(' ')
    return { offset: Number(part.slice(0, space)), name: part.slice(space + 1) }
  })
}
