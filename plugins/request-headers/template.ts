import { Request, Text } from '@penstock/sdk'

/** A part of a value: fixed text, or something of the request when `source` is not empty. */
class Part {
  source: string
  text: Text
  name: string

  constructor(source: string, text: string, name: string) {
    this.source = source
    this.text = Text.of(text)
    this.name = name
  }
}

/** A header value with places to fill in: `{client}`, `{header:accept}`. Parsed once, filled per request. */
export class Template {
  private parts: Part[]

  constructor(parts: Part[]) {
    this.parts = parts
  }

  /** The value for this request; what the request does not have is empty. */
  fill(request: Request): Text {
    if (this.parts.length == 1 && this.parts[0].source == '') return this.parts[0].text
    let value = Text.of('')
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i]
      value = value.concat(part.source == '' ? part.text : lookUp(request, part))
    }
    return value.trim()
  }
}

/** Parses a value; what is wrong with it goes to `problems`. */
export function parseTemplate(text: string, problems: string[]): Template {
  const parts = new Array<Part>()
  let at = 0
  while (at < text.length) {
    const open = text.indexOf('{', at)
    if (open != at) {
      const end = open < 0 ? text.length : open
      parts.push(new Part('', latin1(text.slice(at, end), problems), ''))
      at = end
      continue
    }
    const close = text.indexOf('}', open)
    if (close < 0) {
      problems.push('a "{" has no "}"')
      break
    }
    const inside = text.slice(open + 1, close).trim()
    const colon = inside.indexOf(':')
    const source = colon < 0 ? inside : inside.slice(0, colon)
    const name = colon < 0 ? '' : inside.slice(colon + 1).trim()
    const isKnown = name == '' ? isField(source) : source == 'header' || source == 'query'
    if (!isKnown) problems.push(`"{${inside}}" stands for nothing`)
    parts.push(new Part(source, '', name))
    at = close + 1
  }
  return new Template(parts)
}

function isField(source: string): bool {
  return (
    source == 'client' ||
    source == 'host' ||
    source == 'scheme' ||
    source == 'method' ||
    source == 'path' ||
    source == 'route' ||
    source == 'id'
  )
}

function lookUp(request: Request, part: Part): Text {
  if (part.source == 'client') return request.clientAddress
  if (part.source == 'host') return request.host
  if (part.source == 'scheme') return Text.of(request.scheme)
  if (part.source == 'method') return Text.of(request.method)
  if (part.source == 'path') return request.path
  if (part.source == 'route') return request.route
  if (part.source == 'id') return request.id
  if (part.source == 'header') {
    const value = request.headers.get(part.name)
    return value === null ? Text.of('') : value
  }
  const value = request.queryValue(part.name)
  return value === null ? Text.of('') : visible(value)
}

/** A query is the client's: what cannot stand in a header becomes "?", so that nobody can fail requests. */
function visible(value: string): Text {
  let text = ''
  for (let i = 0; i < value.length; i++) {
    const character = value.charCodeAt(i)
    text += character >= 0x20 && character < 0x7f ? value.charAt(i) : '?'
  }
  return Text.of(text)
}

function latin1(text: string, problems: string[]): string {
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character > 0xff || character == 0x7f || (character < 0x20 && character != 0x09)) {
      problems.push(`"${text.charAt(i)}" cannot stand in a header value`)
      return ''
    }
  }
  return text
}
