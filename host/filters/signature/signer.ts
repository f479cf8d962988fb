import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Request } from '../../exchange/request.ts'
import { canonicalHeaders, canonicalPath, canonicalQuery, queryValue } from './canonical.ts'
import { DEFAULT_LITERAL, type Literal, type SignerSpec } from './signer-spec.ts'

const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'
const NEVER_SIGNED = ['authorization', 'user-agent', 'connection', 'transfer-encoding']

/** Everything a signature stands on, whether it is made or checked. */
interface Claim {
  readonly accessKeyId: string
  /** `20260102T030405Z` */
  readonly time: string
  readonly scopes: readonly string[]
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** For a signature in the URL: seconds it is valid. */
  readonly expiresSeconds: number | null
}

/** Signs requests, and verifies signatures, in the shape of AWS Signature Version 4. */
export class Signer {
  readonly #spec: SignerSpec
  readonly #literal: Literal
  readonly #ignored: ReadonlySet<string>
  readonly #inUrl: ReadonlySet<string>

  constructor(spec: SignerSpec) {
    this.#spec = spec
    this.#literal = spec.literal ?? DEFAULT_LITERAL
    this.#ignored = new Set([
      ...NEVER_SIGNED,
      ...spec.ignoredHeaders.map((one) => one.toLowerCase()),
    ])
    const { algorithmName, credential, date, expires, signedHeaders, signature } = this.#literal
    this.#inUrl = new Set([algorithmName, credential, date, expires, signedHeaders, signature])
  }

  /** False when the body is no part of the signature. */
  get needsBody(): boolean {
    return !this.#spec.excludeBody
  }

  /** Adds the time and the signature to the headers of `request`. */
  sign(request: Request, body: Buffer | null, scopes: readonly string[], nowMs: number): void {
    const { headers } = request
    const literal = this.#literal
    const time = formatTime(nowMs)
    if (body === null) headers.set(literal.contentSha256, UNSIGNED_PAYLOAD)
    headers.set(literal.date, time)
    const names = new Set(['host'])
    for (let i = 0; i < headers.list.length; i += 2) {
      names.add((headers.list[i] as string).toLowerCase())
    }
    const signedHeaders = [...names].filter((name) => !this.#ignored.has(name)).sort()
    const claim: Claim = {
      accessKeyId: this.#spec.accessKeyId,
      time,
      scopes,
      signedHeaders,
      signature: '',
      expiresSeconds: null,
    }
    const sum = headers.get(literal.contentSha256.toLowerCase()) ?? hashOf(body)
    const signature = this.#signature(request, claim, sum, this.#spec.accessKeySecret, false)
    headers.set(
      'Authorization',
      `${literal.algorithmValue} Credential=${claim.accessKeyId}/${this.#scope(claim)}, ` +
        `SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`,
    )
  }

  /** What is wrong with the signature of `request`, or null. `body` is null when it is not signed. */
  verify(request: Request, body: Buffer | null, nowMs: number): string | null {
    const claim = this.#read(request)
    if (typeof claim === 'string') return claim
    const late = this.#checkTime(claim, nowMs)
    if (late !== null) return late
    const { accessKeys } = this.#spec
    const { accessKeyId } = claim
    if (!Object.hasOwn(accessKeys, accessKeyId)) return 'the access key id is unknown'
    const secret = accessKeys[accessKeyId] ?? ''
    // The checksum is computed: the one in the header is only what the sender says.
    const sum = hashOf(body)
    const isGood = [false, true].some((hasPlus) =>
      isEqual(this.#signature(request, claim, sum, secret, hasPlus), claim.signature),
    )
    return isGood ? null : 'the signature does not fit the request'
  }

  #read(request: Request): Claim | string {
    const header = request.headers.get('authorization')
    const claim = header === undefined ? this.#readUrl(request) : this.#readHeader(request, header)
    if (typeof claim === 'string') return claim
    // What is not signed can be changed on the way: a request for another host must not pass.
    if (!claim.signedHeaders.includes('host')) return 'the header host is not signed'
    const date = this.#literal.date.toLowerCase()
    if (claim.expiresSeconds === null && !claim.signedHeaders.includes(date)) {
      return `the header ${date} is not signed`
    }
    return claim
  }

  #readHeader(request: Request, header: string): Claim | string {
    const { algorithmValue, date } = this.#literal
    const match = /^(\S+) +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=(\S+)$/.exec(
      header,
    )
    if (match === null || match[1] !== algorithmValue)
      return 'the header Authorization has no signature'
    const time = request.headers.get(date.toLowerCase()) ?? ''
    return readCredential(match[2] ?? '', time, match[3] ?? '', match[4] ?? '', null)
  }

  #readUrl({ query }: Request): Claim | string {
    const literal = this.#literal
    if (queryValue(query, literal.algorithmName) !== literal.algorithmValue) {
      return 'there is no signature'
    }
    const expires = queryValue(query, literal.expires) ?? ''
    if (!/^\d{1,9}$/.test(expires)) return `${literal.expires} is not a number of seconds`
    return readCredential(
      queryValue(query, literal.credential) ?? '',
      queryValue(query, literal.date) ?? '',
      queryValue(query, literal.signedHeaders) ?? '',
      queryValue(query, literal.signature) ?? '',
      Number(expires),
    )
  }

  #checkTime(claim: Claim, nowMs: number): string | null {
    const signedAtMs = parseTime(claim.time)
    if (signedAtMs === null) return `${this.#literal.date} is not a time such as 20260102T030405Z`
    const ageMs = nowMs - signedAtMs
    const { ttl } = this.#spec
    if (ttl > 0 && Math.abs(ageMs) > ttl) return 'the signature has expired'
    if (claim.expiresSeconds !== null && ageMs > claim.expiresSeconds * 1000) {
      return 'the signature has expired'
    }
    return null
  }

  #scope({ time, scopes }: Claim): string {
    return [time.slice(0, 8), ...scopes, this.#literal.scopeSuffix].join('/')
  }

  #signature(
    request: Request,
    claim: Claim,
    bodyHash: string,
    secret: string,
    hasPlus: boolean,
  ): string {
    const { algorithmValue, scopeSuffix, signature, signingKeyPrefix } = this.#literal
    const isInUrl = claim.expiresSeconds !== null
    const without = isInUrl ? new Set([signature]) : this.#inUrl
    const canonical = [
      request.method,
      canonicalPath(request.path),
      canonicalQuery(request.query, without, hasPlus),
      canonicalHeaders(request, claim.signedHeaders),
      claim.signedHeaders.join(';'),
      bodyHash,
    ].join('\n')
    const text = [algorithmValue, claim.time, this.#scope(claim), sha256(canonical)].join('\n')
    let key = hmac(Buffer.from(signingKeyPrefix + secret, 'utf8'), claim.time.slice(0, 8))
    for (const part of [...claim.scopes, scopeSuffix]) key = hmac(key, part)
    return hmac(key, text).toString('hex')
  }
}

function readCredential(
  credential: string,
  time: string,
  signedHeaders: string,
  signature: string,
  expiresSeconds: number | null,
): Claim | string {
  const [accessKeyId = '', date = '', ...rest] = credential.split('/')
  if (rest.length === 0) return 'the credential is not complete'
  if (!time.startsWith(date) || date.length !== 8) return 'the day of the credential is another'
  return {
    accessKeyId,
    time,
    scopes: rest.slice(0, -1),
    signedHeaders: signedHeaders.toLowerCase().split(';'),
    signature,
    expiresSeconds,
  }
}

/** `20260102T030405Z` */
function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

function parseTime(text: string): number | null {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text)
  if (match === null) return null
  const [, year, month, day, hour, minute, second] = match
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) ? null : ms
}

function hashOf(body: Buffer | null): string {
  return body === null ? UNSIGNED_PAYLOAD : sha256(body)
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}

function isEqual(a: string, b: string): boolean {
  const x = Buffer.from(a, 'utf8')
  const y = Buffer.from(b, 'utf8')
  return x.length === y.length && timingSafeEqual(x, y)
}
