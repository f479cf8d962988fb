import {
  ctx,
  Filter,
  hash,
  hex,
  Json,
  jwt,
  next,
  now,
  parameters,
  Request,
  Result,
  refuse,
  reply,
  Text,
} from '@penstock/sdk'
import { claimOf, headerText, listOf, Mapping, parseMappings } from './claims.ts'
import { tokensOf } from './tokens.ts'

/** Bytes of a secret below which it could be guessed; RFC 7518 asks for as many as the hash has. */
const SECRET_BYTES: i32 = 32
/** Seconds by which clocks may differ at most. */
const DAY: i32 = 86_400

/** Tells the upstream what a verified token says, one header for each claim. */
export class JwtClaims extends Filter {
  /** The claims that become headers, one "claim => header" a line. */
  private mappings: Mapping[] = parseMappings(parameters.required('claims'))
  /** The secret of HS256 tokens, in hex: this filter verifies them itself. */
  private secretHex: string = parameters.text('secret', '')
  /** Who has verified the token before this filter: "validator", for a Validator filter in the flow. */
  private verifiedBy: string = parameters.text('verifiedBy', '')
  /** The cookie that has the token; the header Authorization when there is none. */
  private cookie: string = parameters.text('cookie', '')
  /** Claims without which a token is refused, separated by commas. */
  private needed: string[] = listOf(parameters.text('required', ''))
  /** What the token must name as its issuer; empty for any. */
  private issuer: string = parameters.text('issuer', '')
  /** Whom the token must be meant for; empty for any. */
  private audience: string = parameters.text('audience', '')
  /** Seconds by which clocks may differ. */
  private leeway: i32 = parameters.integer('leeway', 60)
  /** Let requests without a token go on, without the headers; a wrong token is refused all the same. */
  private isOptional: bool = parameters.flag('optional', false)
  /** Leave the token in the request that goes to the upstream. */
  private isTokenKept: bool = parameters.flag('keepToken', true)
  /** What WWW-Authenticate calls the protected place. */
  private realm: string = parameters.text('realm', 'api')
  private secret: Text = Text.of('')
  /** The key called "token", which the gateway verifies tokens with; null when the operator gives none. */
  private key: jwt.Key | null = jwt.hasKey('token') ? jwt.key('token') : null

  constructor() {
    super()
    const secret = hex.decode(this.secretHex)
    if (secret === null) refuse('secret: it is not written in hex')
    else this.secret = secret
    const isOwn = this.secretHex != ''
    const verifiers = i32(isOwn) + i32(this.verifiedBy != '') + i32(this.key !== null)
    if (verifiers != 1) {
      refuse('keys.token, secret or verifiedBy: one of them must say who verifies the token')
    }
    if (this.verifiedBy != '' && this.verifiedBy != 'validator') {
      refuse(`verifiedBy: "${this.verifiedBy}" is not "validator"`)
    }
    if (isOwn && secret !== null && secret.length < SECRET_BYTES) {
      refuse(`secret: ${secret.length} bytes are too few, HS256 wants ${SECRET_BYTES}`)
    }
    if (this.leeway < 0 || this.leeway > DAY) refuse(`leeway: must be between 0 and ${DAY}`)
    if (this.realm.includes('"') || this.realm.includes('\\')) {
      refuse('realm: neither " nor \\ can stand in it')
    }
  }

  onRequest(request: Request): Result {
    // First of all: a client must not bring these, whatever else is decided.
    for (let i = 0; i < this.mappings.length; i++) request.headers.remove(this.mappings[i].header)
    const tokens = tokensOf(request, this.cookie)
    // Which of them has the filter before this one verified?
    if (tokens.count > 1 && this.verifiedBy != '') return this.refuseToken('there are two tokens')
    const text = tokens.first
    if (text === null) return this.isOptional ? next : this.askForToken()
    const key = this.key
    const token = key === null ? jwt.read(text) : key.verify(text, this.leeway)
    if (token === null) return this.refuseToken(key === null ? 'this is no token' : key.problem)
    const problem = this.problemOf(token.header, token.claims, token.signed, token.signature)
    if (problem != '') return this.refuseToken(problem)
    if (!token.isCurrent(now(), this.leeway)) return this.refuseToken('the token is not valid now')
    for (let i = 0; i < this.needed.length; i++) {
      if (!isThere(claimOf(token.claims, this.needed[i]))) {
        return this.refuseToken(`the token has no ${this.needed[i]}`)
      }
    }
    for (let i = 0; i < this.mappings.length; i++) {
      const mapping = this.mappings[i]
      const value = headerText(claimOf(token.claims, mapping.claim))
      if (value !== null) request.headers.set(mapping.header, value)
    }
    ctx.put('jwtSubject', token.claims.get('sub').text())
    if (!this.isTokenKept) this.dropToken(request)
    return next
  }

  /** Why the token cannot be trusted, or "". */
  private problemOf(header: Json, claims: Json, signed: Text, signature: Text): string {
    const algorithm = header.get('alg').text()
    if (algorithm.toLowerCase() == 'none') return 'the token is not signed'
    // RFC 7515, section 4.1.11: what is critical and not understood must be refused.
    if (header.has('crit')) return 'the token has critical extensions'
    if (this.secretHex != '') {
      // The token does not choose how it is verified.
      if (algorithm != 'HS256') return 'the token is not signed with HS256'
      if (!hash.isSame(hash.hmacSha256(this.secret, signed), signature)) {
        return 'the signature is wrong'
      }
    }
    if (this.issuer != '' && claims.get('iss').text() != this.issuer) return 'the issuer is wrong'
    if (this.audience != '' && !names(claims.get('aud'), this.audience)) {
      return 'the token is meant for somebody else'
    }
    return ''
  }

  private dropToken(request: Request): void {
    if (this.cookie != '') request.removeCookie(this.cookie)
    if (jwt.bearer(request) !== null) request.headers.remove('authorization')
  }

  private askForToken(): Result {
    return reply(401, 'a token is needed\n')
      .header('www-authenticate', `Bearer realm="${this.realm}"`)
      .header('cache-control', 'no-store')
  }

  /** RFC 6750, section 3.1. The reasons name what is in the configuration, never what is in the token. */
  private refuseToken(reason: string): Result {
    const error = `error="invalid_token", error_description="${reason}"`
    return reply(401, `${reason}\n`)
      .header('www-authenticate', `Bearer realm="${this.realm}", ${error}`)
      .header('cache-control', 'no-store')
  }
}

/** `aud` is one name or a list of them (RFC 7519, section 4.1.3). */
function names(value: Json, wanted: string): bool {
  if (!value.isArray) return value.text() == wanted
  for (let i = 0; i < value.length; i++) {
    if (value.at(i).text() == wanted) return true
  }
  return false
}

function isThere(value: Json): bool {
  return !value.isMissing && !value.isNull && !(value.isString && value.text() == '')
}
