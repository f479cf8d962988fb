/** What a client says in the first message of a handshake, as far as anybody asks here. */
export interface ClientHello {
  /** The host it asks for, in lowercase; "" when it names none. */
  readonly serverName: string
  /** The protocols it offers (ALPN), in its order. */
  readonly protocols: readonly string[]
}

/** A longer first message is not looked into; those of browsers have less than 2 KiB. */
export const MAX_HELLO_BYTES = 16 * 1024

/** Nor one that comes in more pieces: it would be read again and again. */
export const MAX_HELLO_RECORDS = 16

const RECORD_HANDSHAKE = 22
const CLIENT_HELLO = 1
const EXTENSION_SERVER_NAME = 0
const EXTENSION_ALPN = 16

/**
 * Reads the first message of a TLS connection (RFC 8446, section 4.1.2; the same in TLS 1.2). `more` asks for
 * more bytes; null is for what is no such message, or one that is too long: a TLS server says what is wrong.
 */
export function readClientHello(bytes: Buffer): ClientHello | 'more' | null {
  const message = joinRecords(bytes)
  if (!Buffer.isBuffer(message)) return message
  try {
    return readMessage(message)
  } catch (error) {
    // A length that leads out of the message.
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The handshake message that begins here; a message may come in several records. */
function joinRecords(bytes: Buffer): Buffer | 'more' | null {
  const parts: Buffer[] = []
  let collected = 0
  for (let at = 0; parts.length < MAX_HELLO_RECORDS; ) {
    if (bytes.length > at && bytes[at] !== RECORD_HANDSHAKE) return null
    if (bytes.length < at + 5) return 'more'
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0) return null
    const part = bytes.subarray(at + 5, at + 5 + length)
    parts.push(part)
    collected += part.length
    const wanted = wantedOf(parts, collected)
    if (wanted === null || wanted > MAX_HELLO_BYTES) return null
    if (collected >= wanted) return Buffer.concat(parts, collected).subarray(4, wanted)
    if (part.length < length) return 'more'
    at += 5 + length
  }
  return null
}

/** The length of the message with its head of four bytes; null when it is another message. */
function wantedOf(parts: readonly Buffer[], collected: number): number | null {
  const [first] = parts
  if (first === undefined || first.length === 0) return 4
  if (first[0] !== CLIENT_HELLO) return null
  if (collected < 4) return 4
  const head = first.length < 4 ? Buffer.concat(parts) : first
  return 4 + head.readUIntBE(1, 3)
}

/**
 *     version 2 │ random 32 │ session id 1+n │ ciphers 2+n │ compressions 1+n │ extensions 2+n
 */
function readMessage(message: Buffer): ClientHello {
  let at = 2 + 32
  at += 1 + message.readUInt8(at)
  at += 2 + message.readUInt16BE(at)
  at += 1 + message.readUInt8(at)
  let serverName = ''
  let protocols: string[] = []
  // Clients of old may end here.
  const end = at + 2 <= message.length ? at + 2 + message.readUInt16BE(at) : at
  at += 2
  while (at < end) {
    const type = message.readUInt16BE(at)
    const length = message.readUInt16BE(at + 2)
    const body = message.subarray(at + 4, at + 4 + length)
    if (type === EXTENSION_SERVER_NAME) serverName = readServerName(body)
    if (type === EXTENSION_ALPN) protocols = readProtocols(body)
    at += 4 + length
  }
  return { serverName, protocols }
}

/** RFC 6066, section 3: a list of which only the first entry has ever had a meaning. */
function readServerName(body: Buffer): string {
  const isHostName = body.readUInt8(2) === 0
  const length = body.readUInt16BE(3)
  return isHostName ? body.toString('latin1', 5, 5 + length).toLowerCase() : ''
}

/** RFC 7301, section 3.1. */
function readProtocols(body: Buffer): string[] {
  const found: string[] = []
  const end = 2 + body.readUInt16BE(0)
  for (let at = 2; at < end; ) {
    const length = body.readUInt8(at)
    found.push(body.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return found
}
