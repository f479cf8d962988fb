import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** One answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number
  readonly reason: string
  /** Flat list, as it arrived. */
  readonly fields: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
}

/** All values of a field, whatever the case of its name. */
export function valuesOf(message: { fields: readonly string[] }, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < message.fields.length; i += 2) {
    if (message.fields[i]?.toLowerCase() === name) values.push(message.fields[i + 1] ?? '')
  }
  return values
}

/** A client that writes bytes and reads answers, and does nothing by itself. */
export class WireClient {
  readonly socket: Socket
  /** Everything that arrived and was not read yet, as latin1 text. */
  received = ''
  bytes = 0
  hasEnded = false
  error: Error | null = null
  #wake: (() => void)[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.latin1Slice()
      this.bytes += chunk.length
      this.#notify()
    })
    socket.on('error', (error) => {
      this.error = error
      this.hasEnded = true
      this.#notify()
    })
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.hasEnded = true
        this.#notify()
      })
    }
  }

  static async open(port: number): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new WireClient(socket)
  }

  write(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Waits until `isDone` holds; looks again whenever something arrived. */
  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** Reads one whole answer; `method` is that of its request. Null when the connection ended before. */
  async answer(method = 'GET'): Promise<WireAnswer | null> {
    for (;;) {
      const parsed = parseAnswer(this.received, method, this.hasEnded)
      if (parsed !== null) {
        this.received = this.received.slice(parsed.length)
        return parsed.answer
      }
      if (this.hasEnded) return null
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** One request and its answer. */
  async ask(request: string, method?: string): Promise<WireAnswer> {
    this.write(request)
    const answer = await this.answer(method ?? request.slice(0, request.indexOf(' ')))
    if (answer === null) throw new Error(`the connection closed: ${this.received}`)
    return answer
  }

  async ended(): Promise<void> {
    await this.until(() => this.hasEnded)
  }

  close(): void {
    this.socket.destroy()
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}

/** Parses the first answer in `text`, or null when it is not complete. */
export function parseAnswer(
  text: string,
  method: string,
  hasEnded: boolean,
): { answer: WireAnswer; length: number } | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const lines = text.slice(0, headEnd).split('\r\n')
  const [, code = '', reason = ''] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(lines[0] ?? '') ?? []
  const fields = lines.slice(1).flatMap(fieldOf)
  const status = Number(code)
  const answer = { status, reason, fields, body: '', trailers: [] as string[] }
  let at = headEnd + 4
  if (method === 'HEAD' || status === 204 || status === 304 || status < 200) {
    return { answer, length: at }
  }
  const [length] = valuesOf(answer, 'content-length')
  if (length !== undefined) {
    if (text.length < at + Number(length)) return null
    answer.body = text.slice(at, at + Number(length))
    return { answer, length: at + Number(length) }
  }
  if (valuesOf(answer, 'transfer-encoding')[0] !== 'chunked') {
    return hasEnded ? { answer: { ...answer, body: text.slice(at) }, length: text.length } : null
  }
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    at = lineEnd + 2
    if (size === 0) break
    if (text.length < at + size + 2) return null
    answer.body += text.slice(at, at + size)
    at += size + 2
  }
  const end = text.startsWith('\r\n', at) ? at : text.indexOf('\r\n\r\n', at) + 2
  if (end < at || text.length < end + 2) return null
  if (end > at)
    answer.trailers = text
      .slice(at, end - 2)
      .split('\r\n')
      .flatMap(fieldOf)
  return { answer, length: end + 2 }
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

/** A request as an upstream of `startUpstream` saw it. */
export interface SeenRequest {
  readonly line: string
  readonly fields: readonly string[]
  body: string
}

export interface Upstream {
  readonly port: number
  readonly origin: string
  readonly server: Server
  readonly seen: SeenRequest[]
  /** Sockets that are open. */
  readonly sockets: Set<Socket>
  /** Connections that were ever opened. */
  accepted: number
  close(): Promise<void>
}

/**
 * An upstream on a bare socket: `onRequest` is called with each complete request and answers with bytes.
 */
export async function startUpstream(
  onRequest: (socket: Socket, request: SeenRequest, index: number) => void,
): Promise<Upstream> {
  const seen: SeenRequest[] = []
  return await listen(seen, (socket) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.latin1Slice()
      for (;;) {
        const request = parseRequest(text)
        if (request === null) return
        text = text.slice(request.length)
        seen.push(request.request)
        onRequest(socket, request.request, seen.length - 1)
      }
    })
  })
}

/** An upstream that does with a connection what `onConnection` does, and reads no requests by itself. */
export async function startRawUpstream(onConnection: (socket: Socket) => void): Promise<Upstream> {
  return await listen([], onConnection)
}

async function listen(
  seen: SeenRequest[],
  onConnection: (socket: Socket) => void,
): Promise<Upstream> {
  const sockets = new Set<Socket>()
  const upstream = {
    port: 0,
    origin: '',
    seen,
    sockets,
    accepted: 0,
    server: createServer((socket) => {
      upstream.accepted += 1
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      onConnection(socket)
    }),
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy()
      if (!upstream.server.listening) return
      upstream.server.close()
      await once(upstream.server, 'close')
    },
  }
  upstream.server.listen(0, '127.0.0.1')
  await once(upstream.server, 'listening')
  upstream.port = (upstream.server.address() as AddressInfo).port
  upstream.origin = `http://127.0.0.1:${upstream.port}`
  return upstream
}

function parseRequest(text: string): { request: SeenRequest; length: number } | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const [line = '', ...rest] = text.slice(0, headEnd).split('\r\n')
  const request = { line, fields: rest.flatMap(fieldOf), body: '' }
  const hasBody =
    valuesOf(request, 'content-length').length > 0 ||
    valuesOf(request, 'transfer-encoding').length > 0
  if (!hasBody) return { request, length: headEnd + 4 }
  // The body of a request is framed like that of an answer.
  const body = parseAnswer(
    `HTTP/1.1 200 OK\r\n${rest.join('\r\n')}${text.slice(headEnd)}`,
    'GET',
    false,
  )
  if (body === null) return null
  request.body = body.answer.body
  return { request, length: body.length - 'HTTP/1.1 200 OK\r\n'.length + line.length + 2 }
}
