import { Body, Filter, parameters, Request, Response, refuse, Text } from '@penstock/sdk'
import { maskDigits } from './mask.ts'

/** A text and what stands in its place afterwards. */
class Replacement {
  search: Text
  substitute: Text

  constructor(search: Text, substitute: Text) {
    this.search = search
    this.substitute = substitute
  }
}

/** Changes the text of answers: replaces words, masks long numbers. What is not plain text passes unchanged. */
export class ResponseBody extends Filter {
  /** "search => replacement" lines, applied one after the other. */
  private replacements: Replacement[] = parseReplacements(parameters.text('replace', ''))
  /** Mask runs of at least this many digits but for their last four; 0 masks nothing. */
  private digits: i32 = parameters.integer('maskDigits', 0)
  /** Media types that are changed, separated by commas; "text/*" means all that start so. */
  private types: Text[] = Text.of(
    parameters.text('types', 'text/html, text/plain, application/json'),
  )
    .toLowerCase()
    .split(',')
  /** Ask the upstream for an answer that is not compressed. */
  private isPlainAsked: bool = parameters.flag('askPlain', true)

  constructor() {
    super()
    if (this.digits != 0 && this.digits < 5) refuse('maskDigits: 0, or at least 5')
  }

  onRequest(request: Request): void {
    if (this.isPlainAsked) request.headers.set('accept-encoding', 'identity')
  }

  onResponse(response: Response, body: Body): void {
    if (body.length == 0 || !this.isChangeable(response)) return
    let text = body.content()
    let isChanged = false
    for (let i = 0; i < this.replacements.length; i++) {
      const replaced = text.replaceAll(this.replacements[i].search, this.replacements[i].substitute)
      // The same text comes back when there was nothing to replace.
      if (replaced !== text) isChanged = true
      text = replaced
    }
    const masked = this.digits > 0 ? maskDigits(text, this.digits) : null
    if (masked === null && !isChanged) return
    if (masked !== null) response.setBody(masked)
    else response.setBody(text)
    // They speak of the bytes that were; content-length is written by the gateway.
    response.headers.remove('etag')
    response.headers.remove('content-md5')
    response.headers.remove('content-digest')
    response.headers.remove('repr-digest')
    response.headers.remove('accept-ranges')
  }

  /** Whole, plain text of one of the types: a part of a file or compressed bytes would be damaged. */
  private isChangeable(response: Response): bool {
    if (response.status == 206) return false
    const encoding = response.headers.get('content-encoding')
    if (encoding !== null && !encoding.equalsIgnoreCase('identity')) return false
    const type = response.headers.get('content-type')
    if (type === null) return false
    const name = type.split(';', 2)[0].trim().toLowerCase()
    for (let i = 0; i < this.types.length; i++) {
      const wanted = this.types[i].trim()
      if (wanted.endsWith('/*') ? name.startsWith(wanted.slice(0, -1)) : name.equals(wanted))
        return true
    }
    return false
  }
}

function parseReplacements(text: string): Replacement[] {
  const found = new Array<Replacement>()
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].trim()
    if (line.length == 0 || line.startsWith('#')) continue
    const arrow = line.indexOf('=>')
    const search = line.slice(0, max(arrow, 0)).trim()
    if (arrow < 0 || search.length == 0) {
      refuse(`replace: "${line}" is not "search => replacement"`)
    } else {
      found.push(new Replacement(Text.utf8(search), Text.utf8(line.slice(arrow + 2).trim())))
    }
  }
  return found
}
