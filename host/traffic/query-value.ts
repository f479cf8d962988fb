/** The first value of a query field, decoded; undefined when it is not there. */
export function queryValueOf(query: string, key: string): string | undefined {
  if (query === '') return undefined
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    if (name === key || decodePart(name) === key) {
      return decodePart(equals < 0 ? '' : pair.slice(equals + 1))
    }
  }
  return undefined
}

/** A part of a query as text; what is no valid escape stays as it was sent. */
function decodePart(text: string): string {
  if (!/[%+]/.test(text)) return text
  const plain = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}
