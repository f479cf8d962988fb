import type { TLSSocket } from 'node:tls'
import { connectSecure } from '../tls/listener.ts'

/** Types of frames (RFC 9113, section 6). */
export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

export const END_STREAM = 0x1
export const ACK = 0x1
export const END_HEADERS = 0x4

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

const CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** The fields as literals that no table keeps (RFC 7541, section 6.2.2), byte by byte as they are given. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]),
  )
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const { length } = bytes
  if (length < 127) return Buffer.concat([Buffer.of(length), bytes])
  const head = [127]
  let rest = length - 127
  for (; rest >= 128; rest >>= 7) head.push((rest & 127) | 128)
  head.push(rest)
  return Buffer.concat([Buffer.from(head), bytes])
}

/** The fields of a plain GET, with others in their place or after them. */
export function get(
  changes: Readonly<Record<string, string>> = {},
  more: readonly (readonly [string, string])[] = [],
): [string, string][] {
  const pseudo = { ':method': 'GET', ':scheme': 'https', ':path': '/', ':authority': 'localhost' }
  return [...Object.entries({ ...pseudo, ...changes }), ...more] as [string, string][]
}

/** A client that sends frames and does nothing by itself, not even acknowledge settings. */
export class FrameClient {
  readonly socket: TLSSocket
  /** Code of the last GOAWAY; null before one. */
  goaway: string | null = null
  hasEnded = false
  readonly resets: Map<number, string> = new Map()
  /** Body text by stream. */
  readonly bodies: Map<number, string> = new Map()
  readonly ended: Set<number> = new Set()
  /** Types of all frames that came. */
  readonly types: number[] = []
  #rest: Buffer = Buffer.alloc(0)
  #wake: (() => void)[] = []

  private constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => socket.destroy())
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.hasEnded = true
        this.#notify()
      })
    }
  }

  /** Connects; sends the preface and empty settings unless `isSilent`. */
  static async open(port: number, isSilent = false): Promise<FrameClient> {
    const client = new FrameClient(await connectSecure(port, { ALPNProtocols: ['h2'] }))
    if (!isSilent) client.send(Buffer.from(PREFACE), frame(SETTINGS, 0, 0))
    return client
  }

  send(...frames: readonly Uint8Array[]): this {
    this.socket.write(Buffer.concat(frames))
    return this
  }

  /** Sends the head of a request. */
  head(
    stream: number,
    fields: readonly (readonly [string, string])[],
    flags: number = END_HEADERS | END_STREAM,
  ): this {
    return this.send(frame(HEADERS, flags, stream, block(fields)))
  }

  /** Waits until something has become of `stream`, and says what. */
  async outcome(stream = 1): Promise<string> {
    await this.until(
      () =>
        this.resets.has(stream) ||
        this.ended.has(stream) ||
        (this.goaway !== null && this.goaway !== 'NO_ERROR') ||
        this.hasEnded,
    )
    const reset = this.resets.get(stream)
    if (this.ended.has(stream)) return `answer ${(this.bodies.get(stream) ?? '').slice(0, 3)}`
    if (reset !== undefined) return `reset ${reset}`
    return this.connectionOutcome()
  }

  /** Waits until the connection is over, and says how. */
  async over(): Promise<string> {
    await this.until(() => this.hasEnded)
    return this.connectionOutcome()
  }

  connectionOutcome(): string {
    return this.goaway === null ? 'closed' : `goaway ${this.goaway}`
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  close(): void {
    this.socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < 9 + length) break
      this.#take(
        this.#rest[3] ?? 0,
        this.#rest[4] ?? 0,
        this.#rest.readUInt32BE(5) & 0x7fffffff,
        this.#rest.subarray(9, 9 + length),
      )
      this.#rest = this.#rest.subarray(9 + length)
    }
    this.#notify()
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    this.types.push(type)
    if (type === GOAWAY) this.goaway = CODES[payload.readUInt32BE(4)] ?? '?'
    else if (type === RST_STREAM) this.resets.set(stream, CODES[payload.readUInt32BE(0)] ?? '?')
    else if (type === DATA) {
      this.bodies.set(stream, (this.bodies.get(stream) ?? '') + payload.latin1Slice())
    }
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) this.ended.add(stream)
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}
