import type { ExchangeRecord, LiveEvent } from '../../inspect/record.ts'

const BASE = '/apis/v2/inspect'
const STORED_KEY = 'penstock.inspector.key'

/** The server said no; `code` is that of the error table, "" when there was no answer at all. */
export class ApiError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.code = code
  }
}

/** What the page learns about the gateway. */
export interface AboutInspector {
  readonly servers: readonly { readonly name: string; readonly port: number }[]
}

/**
 * Takes the key out of the address, where it stands behind "#" and so was sent to nobody, and keeps it for
 * this tab. The address loses it, so that it is neither bookmarked nor copied.
 */
export function takeKey(): void {
  const key = new URLSearchParams(location.hash.slice(1)).get('key')
  if (key === null) return
  storeKey(key)
  history.replaceState(null, '', location.pathname)
}

export function hasKey(): boolean {
  return sessionStorage.getItem(STORED_KEY) !== null
}

export function storeKey(key: string): void {
  sessionStorage.setItem(STORED_KEY, key)
}

export function forgetKey(): void {
  sessionStorage.removeItem(STORED_KEY)
}

export async function fetchAbout(): Promise<AboutInspector> {
  return (await (await send('GET', '')).json()) as AboutInspector
}

export async function fetchExchange(id: string): Promise<ExchangeRecord> {
  return (await (
    await send('GET', `/exchanges/${encodeURIComponent(id)}`)
  ).json()) as ExchangeRecord
}

export async function fetchCurl(id: string): Promise<string> {
  return await (await send('GET', `/exchanges/${encodeURIComponent(id)}/curl`)).text()
}

/** Answers the id of the new exchange. */
export async function replay(id: string): Promise<string> {
  const answer = await send('POST', `/exchanges/${encodeURIComponent(id)}/replay`)
  return ((await answer.json()) as { id: string }).id
}

/** Writes a test file and answers where and what. */
export async function writeTest(
  id: string,
  step: number | null,
): Promise<{ readonly path: string; readonly text: string }> {
  const body = JSON.stringify({ step })
  const answer = await send('POST', `/exchanges/${encodeURIComponent(id)}/test`, body)
  return (await answer.json()) as { path: string; text: string }
}

export async function clearExchanges(): Promise<void> {
  await send('DELETE', '/exchanges')
}

/**
 * Calls `onEvent` for everything that happens until the connection ends, which is when it resolves.
 * `EventSource` cannot send the key in a header, and in the address it would end up in logs.
 */
export async function followEvents(onEvent: (event: LiveEvent) => void): Promise<void> {
  const { body } = await send('GET', '/live')
  if (body === null) return
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    text += value
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
      text = text.slice(end + 2)
      if (data !== undefined) onEvent(JSON.parse(data) as LiveEvent)
    }
  }
}

async function send(method: string, path: string, body?: string): Promise<Response> {
  const headers = new Headers({ authorization: `Bearer ${sessionStorage.getItem(STORED_KEY)}` })
  if (body !== undefined) headers.set('content-type', 'application/json')
  let answer: Response
  try {
    answer = await fetch(`${BASE}${path}`, { method, headers, body: body ?? null })
  } catch {
    throw new ApiError('', 'the gateway does not answer')
  }
  if (answer.ok) return answer
  const problem = (await answer.json().catch(() => ({}))) as { code?: string; message?: string }
  throw new ApiError(problem.code ?? '', problem.message ?? `the gateway answered ${answer.status}`)
}
