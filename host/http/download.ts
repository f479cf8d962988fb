/** Bytes of an answer without a file that are read, so that its connection can be used again. */
const REFUSED_BYTES = 16 * 1024

/** What came of asking for a file. */
export interface Downloaded {
  readonly status: number
  /** Where a redirect leads; null when there is none. */
  readonly location: string | null
  /** The body; empty unless the status is 200. */
  readonly bytes: Buffer
}

/**
 * Gets one file whole, off the path of requests. Redirects are told, not followed. Fails when there is no
 * answer, when `signal` is aborted, and when the body is longer than `maxBytes`, however long it says it is.
 */
export async function download(
  url: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Downloaded> {
  // An encoded body would have to be decoded first, and a small one can become a large one.
  const headers = { 'accept-encoding': 'identity' }
  // Loaded when it is needed: most gateways download nothing, and it takes 15 MB.
  const { request } = await import('undici')
  const { statusCode, headers: answered, body } = await request(url, { headers, signal })
  const location = answered['location']
  const result = { status: statusCode, location: typeof location === 'string' ? location : null }
  if (statusCode !== 200) {
    await body.dump({ limit: REFUSED_BYTES })
    return { ...result, bytes: Buffer.alloc(0) }
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    const bytes: Buffer = chunk
    length += bytes.length
    if (length > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`)
    chunks.push(bytes)
  }
  return { ...result, bytes: Buffer.concat(chunks, length) }
}
