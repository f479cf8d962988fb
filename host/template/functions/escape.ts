/** Go's HTMLEscapeString. */
export function escapeHtml(text: string): string {
  return text.replace(/["'&<>\0]/g, (sign) => HTML[sign] ?? sign)
}

const HTML: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\uFFFD',
}

/** Go's JSEscapeString. */
export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\x00-\x1f]|[^\p{L}\p{M}\p{N}\p{P}\p{S} \x00-\x7f]/gu, (sign) => {
    if (sign === '\\' || sign === "'" || sign === '"') return `\\${sign}`
    const code = sign.codePointAt(0) ?? 0
    const hex = code.toString(16).toUpperCase().padStart(4, '0')
    return code > 0xffff ? sign : `\\u${hex}`
  })
}

/** Go's url.QueryEscape: a blank is `+`, only letters, digits and `-_.~` stay. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

/** Go's url.QueryUnescape; null for a malformed escape. */
export function unescapeQuery(text: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null
  const bytes = Buffer.from(text.replaceAll('+', ' '), 'utf8').toString('latin1')
  const plain = bytes.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(plain, 'latin1').toString('utf8')
}
