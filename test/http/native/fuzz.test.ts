import { createServer, METHODS, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Exchange } from '../../../host/exchange/exchange.ts'
import { endToEndFields } from '../../../host/http/forward.ts'
import { ReadBuffer } from '../../../host/http/native/read-buffer.ts'
import { NativeServer, SERVER_TUNING } from '../../../host/http/native/server.ts'
import { ServerConnection } from '../../../host/http/native/server-connection.ts'
import { normalizePath } from '../../../host/http/native/target.ts'
import { createPrng, type Prng, testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'
import { makeMessage, mutate } from './message-generator.ts'
import { LIMITS } from './tiny-proxy.ts'

/** How long to try; 60 s in the long run of the pipeline. */
const FUZZ_MS = Number(process.env['PENSTOCK_FUZZ_MS'] ?? 3_000)

const test = suite('http/native/fuzz', { timeoutMs: FUZZ_MS + 30_000 })

interface Read {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly isHttp10: boolean
  /** The fields that go on, Host left out. */
  readonly fields: string
  body: string
  isWhole: boolean
}

interface Outcome {
  readonly requests: Read[]
  /** Everything the engine wrote. */
  written: string
  isClosed: boolean
  /** So many came before one of HTTP/1.0 that is not among them, with which the connection may end. */
  mayEndAt: number
}

const DIFFERENT_FIELDS =
  /^(?:connection|content-length|expect|host|http2-settings|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i

/** A socket without a network: what is fed arrives, what is written is kept. */
class FakeSocket extends Duplex {
  readonly outcome: Outcome
  readonly remoteAddress = '127.0.0.1'
  readonly localAddress = '127.0.0.1'
  bytesWritten = 0

  constructor(outcome: Outcome) {
    super({ decodeStrings: true, allowHalfOpen: true })
    this.outcome = outcome
    this.on('close', () => {
      outcome.isClosed = true
    })
  }

  override _read(): void {
    // Bytes are pushed by the test.
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.outcome.written += chunk.latin1Slice()
    done()
  }

  override _final(done: () => void): void {
    this.outcome.isClosed = true
    done()
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  destroySoon(): void {
    this.destroy()
  }

  resetAndDestroy(): this {
    return this.destroy()
  }
}

/** The bytes in pieces, as a network may cut them. */
function cut(prng: Prng, bytes: Buffer): Buffer[] {
  if (prng.below(3) === 0) return [bytes]
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = prng.below(4) === 0 ? 1 : prng.below(bytes.length) + 1
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** Lets everything that was set off come to rest. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

async function playOurs(pieces: readonly Buffer[]): Promise<Outcome> {
  const outcome: Outcome = {
    requests: [],
    mayEndAt: Number.POSITIVE_INFINITY,
    written: '',
    isClosed: false,
  }
  const handler = async (exchange: Exchange): Promise<void> => {
    const { request } = exchange
    const read: Read = {
      method: request.method,
      target: request.target,
      host: request.host,
      isHttp10: request.httpVersion === '1.0',
      fields: fieldsOf(request.headers.list),
      body: '',
      isWhole: false,
    }
    outcome.requests.push(read)
    try {
      read.body = (await request.body.collect()).latin1Slice()
      read.isWhole = true
    } catch {
      // The body broke off: `isWhole` says so.
    }
    exchange.reply(200, 'ok')
  }
  const server = new NativeServer(
    { name: 'fuzz', address: '', port: 0, limits: LIMITS },
    handler,
    SERVER_TUNING,
  )
  const socket = new FakeSocket(outcome)
  const connection = new ServerConnection(server, socket as unknown as Socket, new ReadBuffer())
  socket.on('data', (chunk: Buffer) => connection.onChunk(chunk))
  for (const piece of pieces) {
    socket.push(piece)
    await settle()
  }
  socket.push(null)
  await settle()
  socket.destroy()
  await settle()
  return outcome
}

async function playNode(node: Server, pieces: readonly Buffer[]): Promise<Outcome> {
  const outcome: Outcome = {
    requests: [],
    mayEndAt: Number.POSITIVE_INFINITY,
    written: '',
    isClosed: false,
  }
  const socket = new FakeSocket(outcome)
  const onRequest: Parameters<Server['on']>[1] = (req, res) => {
    if (req.socket !== socket) return
    const read: Read = {
      method: req.method,
      target: req.url,
      host: req.headers.host ?? '',
      isHttp10: req.httpVersion === '1.0',
      fields: fieldsOf(endToEndFields(req.rawHeaders)),
      body: '',
      isWhole: false,
    }
    // We answer this one by ourselves.
    if (read.target !== '*') outcome.requests.push(read)
    else if (read.isHttp10) outcome.mayEndAt = Math.min(outcome.mayEndAt, outcome.requests.length)
    req.on('data', (chunk: Buffer) => {
      read.body += chunk.latin1Slice()
    })
    req.on('end', () => {
      read.isWhole = true
      res.end('ok')
    })
    req.on('error', () => res.destroy())
  }
  node.on('request', onRequest)
  node.emit('connection', socket)
  for (const piece of pieces) {
    socket.push(piece)
    await settle()
  }
  socket.push(null)
  await settle()
  socket.destroy()
  await settle()
  node.off('request', onRequest)
  return outcome
}

function fieldsOf(list: readonly string[]): string {
  let text = ''
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (!DIFFERENT_FIELDS.test(name)) text += `${name}: ${list[i + 1]}\n`
  }
  return text
}

/** Node's reading of a target, brought into the form in which we hand it on. */
function expectedTarget(target: string): string {
  let text = target
  if (!target.startsWith('/')) {
    const match = /^https?:\/\/[^/?]*(.*)$/i.exec(target)
    if (match === null) return target
    text = match[1] === '' ? '/' : (match[1] as string)
    if (text.startsWith('?')) text = `/${text}`
  }
  const mark = text.indexOf('?')
  const path = normalizePath(mark < 0 ? text : text.slice(0, mark)) ?? '?'
  // A "?" with nothing behind it is not passed on.
  return mark < 0 || mark === text.length - 1 ? path : path + text.slice(mark)
}

/** Why two readings of the same bytes disagree; null when they do not. We may refuse what Node takes. */
function disagreement(ours: Outcome, nodes: Outcome): string | null {
  for (let i = 0; i < ours.requests.length; i++) {
    const our = ours.requests[i] as Read
    const its = nodes.requests[i]
    // Node knows a list of methods; we take every token.
    if (!METHODS.includes(our.method)) return null
    // Whether an HTTP/1.0 connection is kept is a matter of taste, here and below.
    if (i >= nodes.mayEndAt) return null
    if (its === undefined) return `Node has no request ${i}`
    if (our.method !== its.method) return `the method of request ${i}`
    if (our.target !== expectedTarget(its.target)) return `the target of request ${i}`
    if (our.fields !== its.fields) return `the fields of request ${i}`
    if (our.isHttp10 !== its.isHttp10) return `the version of request ${i}`
    if (!our.isWhole) return null
    if (!its.isWhole) return `the end of the body of request ${i}`
    if (our.body !== its.body) return `the body of request ${i}`
    if (our.isHttp10) return null
  }
  return null
}

test('what we take, Node takes too, and reads in the same way', async () => {
  const seed = testSeed()
  const prng = createPrng(`fuzz ${seed}`)
  const node = createServer({ requireHostHeader: false })
  // Destroying the socket would take away what was read before the error.
  node.on('clientError', () => undefined)
  node.on('checkContinue', (req, res) => {
    res.writeContinue()
    node.emit('request', req, res)
  })
  node.on('checkExpectation', (req, res) => node.emit('request', req, res))
  const until = performance.now() + FUZZ_MS
  let tried = 0
  let taken = 0
  while (performance.now() < until) {
    let text = makeMessage(prng)
    while (prng.below(3) === 0) text += makeMessage(prng)
    if (prng.below(2) === 0) text = mutate(prng, text)
    const pieces = cut(prng, Buffer.from(text, 'latin1'))
    const ours = await playOurs(pieces)
    const nodes = await playNode(node, pieces)
    const difference = disagreement(ours, nodes)
    const shown = `seed ${seed}, message ${tried}: ${JSON.stringify(text)}`
    assert.is(difference, null, `${difference}; ${shown}`)
    assert.ok(ours.isClosed, `the connection ends; ${shown}`)
    tried += 1
    taken += ours.requests.length
  }
  process.stdout.write(`     seed ${seed}: ${tried} byte sequences, ${taken} requests taken\n`)
  assert.ok(taken > tried / 10, 'enough of them are valid for the comparison to mean something')
})
