import { isUtf8 } from 'node:buffer'
import type { SentRequest } from './sent-request.ts'

/**
 * A command for a shell that sends this request to the gateway's `port` on this machine. Fields that
 * curl sends by itself are left out, and those it would add are taken back.
 */
export function curlCommand(request: SentRequest, port: number): string {
  const { scheme, method, target, host, headers, body } = request
  const parts: string[] = []
  if (method === 'HEAD') parts.push('--head')
  else if (method !== (body.length > 0 ? 'POST' : 'GET')) parts.push(`-X ${quote(method)}`)
  if (scheme === 'https') parts.push('--insecure')
  if (/\/\.\.?(?:\/|$|\?)/.test(target)) parts.push('--path-as-is')
  if (/[[\]{}]/.test(target)) parts.push('--globoff')
  if (!['localhost', '127.0.0.1'].some((name) => host === `${name}:${port}`)) {
    parts.push(`-H ${quote(`host: ${host}`)}`)
  }
  parts.push(...headerOptions(headers, body.length > 0))
  const url = quote(`${scheme}://127.0.0.1:${port}${target}`)
  if (body.length === 0) return ['curl -i', ...parts, url].join(' \\\n  ')
  if (isUtf8(body) && !body.includes(0)) {
    parts.push(`--data-raw ${quote(body.toString('utf8'))}`)
    return ['curl -i', ...parts, url].join(' \\\n  ')
  }
  const input = `printf %s ${quote(body.toString('base64'))} | base64 -d |`
  return `${input}\n${['curl -i', ...parts, '--data-binary @-', url].join(' \\\n  ')}`
}

function headerOptions(headers: readonly string[], hasBody: boolean): string[] {
  const options: string[] = []
  const seen = new Set<string>()
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    const lower = name.toLowerCase()
    seen.add(lower)
    if (lower === 'accept' && value === '*/*') continue
    if (lower === 'user-agent' && value.startsWith('curl/')) continue
    // A field without a value is written with a semicolon.
    options.push(`-H ${quoteField(value === '' ? `${name};` : `${name}: ${value}`)}`)
  }
  for (const name of ['accept', 'user-agent']) if (!seen.has(name)) options.push(`-H ${name}:`)
  if (hasBody && !seen.has('content-type')) options.push('-H content-type:')
  return options
}

/** One word for the shell; bash and zsh, and POSIX since 2024, know the form with escapes. */
function quote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  if (!/[\0-\x08\x0b-\x1f\x7f]/.test(text)) {
    return `'${text.replaceAll("'", String.raw`'\''`)}'`
  }
  return escaped(text, /[\0-\x1f\x7f]/)
}

/** A header value is bytes: those past ASCII are written as such, or the shell would send them as UTF-8. */
function quoteField(text: string): string {
  return /[\x7f-\xff]/.test(text) ? escaped(text, /[\0-\x1f\x7f-\xff]/) : quote(text)
}

function escaped(text: string, bytes: RegExp): string {
  let word = ''
  for (const character of text) {
    if (bytes.test(character)) {
      word += `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
    } else word += character === "'" || character === '\\' ? `\\${character}` : character
  }
  return `$'${word}'`
}
