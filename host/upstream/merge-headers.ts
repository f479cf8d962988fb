import type { Headers } from '../exchange/headers.ts'

/**
 * What filters before the Proxy put into the response, for instance CORS fields, goes to the client with the
 * answer of the upstream. Where the upstream has the same field its own counts, but Vary and Set-Cookie are
 * kept beside it. Fields that describe the former body are left behind.
 */
export function mergeHeaders(headers: Headers, former: Headers): void {
  const { list } = former
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    const lower = name.toLowerCase()
    if (lower.startsWith('content-') || ABOUT_FORMER.has(lower)) continue
    if (lower === 'vary' || lower === 'set-cookie' || !headers.has(lower)) {
      headers.add(name, list[i + 1] as string)
    }
  }
}

const ABOUT_FORMER: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'date',
  'etag',
  'expires',
  'last-modified',
  'server',
  'x-request-id',
])
