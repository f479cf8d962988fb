import { ctx, Filter, next, parameters, Request, Result, refuse, reply, Text } from '@penstock/sdk'

/** A key that is let in, with the name it is known by. */
class Key {
  name: string
  secret: Text

  constructor(name: string, secret: Text) {
    this.name = name
    this.secret = secret
  }
}

/** Lets in requests with a known key; the others get 401 and never reach the upstream. */
export class ApiKey extends Filter {
  /** The header the key is looked for in. */
  private header: string = parameters.text('header', 'x-api-key')
  /** The query parameter the key is looked for in when the header is not there; empty for none. */
  private query: string = parameters.text('query', '')
  /** The keys, one "name: key" a line. */
  private keys: Key[] = parseKeys(parameters.required('keys'))
  /** The header that tells the upstream the name of the key; empty for none. */
  private nameHeader: string = parameters.text('nameHeader', 'x-api-key-name')
  /** Leave the key in the request that goes to the upstream. */
  private isKeyKept: bool = parameters.flag('keepKey', false)
  /** What WWW-Authenticate calls the protected place. */
  private realm: string = parameters.text('realm', 'api')

  constructor() {
    super()
    if (this.realm.includes('"') || this.realm.includes('\\')) {
      refuse('realm: neither " nor \\ can stand in it')
    }
    if (this.header == '' && this.query == '') refuse('header: there is no place left for the key')
  }

  onRequest(request: Request): Result {
    const secret = this.secretOf(request)
    let name: string | null = null
    if (secret !== null) name = nameOf(this.keys, secret)
    if (name === null) return this.refuseRequest(request, secret !== null)
    if (!this.isKeyKept && this.header != '') request.headers.remove(this.header)
    // Set, never added: a client cannot bring a name of its own.
    if (this.nameHeader != '') request.headers.set(this.nameHeader, name)
    ctx.put('apiKeyName', name)
    return next
  }

  private secretOf(request: Request): Text | null {
    if (this.header != '') {
      const value = request.headers.get(this.header)
      if (value !== null) return value
    }
    if (this.query == '') return null
    const value = request.queryValue(this.query)
    return value === null ? null : Text.utf8(value)
  }

  private refuseRequest(request: Request, isWrong: bool): Result {
    const message = isWrong ? 'the API key is not known' : 'an API key is needed'
    const isJson = wantsJson(request)
    const answer = isJson
      ? reply(401, `{"error":"unauthorized","message":"${message}"}\n`)
      : reply(401, `${message}\n`)
    if (isJson) answer.header('content-type', 'application/json')
    return answer
      .header('www-authenticate', `ApiKey realm="${this.realm}"`)
      .header('cache-control', 'no-store')
  }
}

function wantsJson(request: Request): bool {
  const accept = request.headers.get('accept')
  if (accept === null) return false
  return accept.includes('json')
}

/** The name of the key with these bytes, or null. Looks at every key in full, whichever it is. */
function nameOf(keys: Key[], secret: Text): string | null {
  let found: string | null = null
  for (let i = 0; i < keys.length; i++) {
    if (isSame(keys[i].secret, secret)) found = keys[i].name
  }
  return found
}

/** Compares in a time that depends on the length of the known key only, never on how much is right. */
function isSame(known: Text, given: Text): bool {
  let difference = known.length ^ given.length
  for (let i = 0; i < known.length; i++) difference |= known.byteAt(i) ^ given.byteAt(i)
  return difference == 0
}

function parseKeys(text: string): Key[] {
  const keys = new Array<Key>()
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].trim()
    if (line.length == 0 || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const name = line.slice(0, max(colon, 0)).trim()
    const secret = line.slice(colon + 1).trim()
    if (colon < 0 || !isVisible(name) || !isVisible(secret)) {
      // The line itself is a secret: it must not reach a log.
      refuse(`keys: line ${i + 1} is not "name: key" in visible ASCII`)
    } else {
      keys.push(new Key(name, Text.of(secret)))
    }
  }
  if (keys.length == 0) refuse('keys: there is no key')
  return keys
}

function isVisible(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character < 0x21 || character > 0x7e) return false
  }
  return text.length > 0
}
