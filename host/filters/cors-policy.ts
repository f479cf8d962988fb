/** What a CORSAdaptor is told. */
export interface CorsSpec {
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedHeaders: readonly string[]
  readonly allowCredentials: boolean
  readonly exposedHeaders: readonly string[]
  readonly maxAge: number
}

/** What pages of other origins may do, ready to be asked (Fetch standard, section 3.2). */
export class CorsPolicy {
  /** All origins are allowed: the answer is the same for each. */
  readonly isOpen: boolean
  readonly #exact: ReadonlySet<string>
  readonly #patterns: readonly (readonly [prefix: string, suffix: string])[]
  readonly #methods: ReadonlySet<string>
  readonly #headers: ReadonlySet<string>
  readonly #allowsAllHeaders: boolean
  readonly #allowCredentials: boolean
  readonly #exposed: string
  readonly #maxAge: number

  constructor(spec: CorsSpec) {
    const origins = spec.allowedOrigins.map((origin) => origin.toLowerCase())
    this.isOpen = origins.length === 0 || origins.includes('*')
    this.#exact = new Set(origins.filter((origin) => !origin.includes('*')))
    this.#patterns = origins
      .filter((origin) => origin.includes('*'))
      .map((origin) => {
        const star = origin.indexOf('*')
        return [origin.slice(0, star), origin.slice(star + 1)] as const
      })
    const methods = spec.allowedMethods.length > 0 ? spec.allowedMethods : SIMPLE_METHODS
    this.#methods = new Set(methods)
    this.#headers = new Set(
      [...SIMPLE_HEADERS, ...spec.allowedHeaders].map((name) => name.toLowerCase()),
    )
    this.#allowsAllHeaders = spec.allowedHeaders.includes('*')
    // Credentials for everybody would let any page act in the name of its visitor.
    this.#allowCredentials = spec.allowCredentials && !this.isOpen
    this.#exposed = spec.exposedHeaders.join(', ')
    this.#maxAge = spec.maxAge
  }

  allows(origin: string): boolean {
    if (this.isOpen) return true
    const lower = origin.toLowerCase()
    if (this.#exact.has(lower)) return true
    return this.#patterns.some(
      ([prefix, suffix]) =>
        lower.length >= prefix.length + suffix.length &&
        lower.startsWith(prefix) &&
        lower.endsWith(suffix),
    )
  }

  /** The fields of the answer to a preflight request; none that allow when something is not allowed. */
  preflight(origin: string, method: string, headers: string): string[] {
    const fields = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers']
    const names = headers
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
    const areAllowed =
      this.#allowsAllHeaders || names.every((name) => this.#headers.has(name.toLowerCase()))
    if (!this.allows(origin) || !this.#methods.has(method) || !areAllowed) return fields
    this.#addOrigin(fields, origin)
    fields.push('Access-Control-Allow-Methods', method)
    if (names.length > 0) fields.push('Access-Control-Allow-Headers', names.join(', '))
    if (this.#maxAge !== 0) {
      fields.push('Access-Control-Max-Age', String(Math.max(0, this.#maxAge)))
    }
    return fields
  }

  /** The fields of any other answer to an allowed origin. */
  actual(origin: string): string[] {
    const fields = this.isOpen ? [] : ['Vary', 'Origin']
    this.#addOrigin(fields, origin)
    if (this.#exposed !== '') fields.push('Access-Control-Expose-Headers', this.#exposed)
    return fields
  }

  #addOrigin(fields: string[], origin: string): void {
    fields.push('Access-Control-Allow-Origin', this.isOpen ? '*' : origin)
    if (this.#allowCredentials) fields.push('Access-Control-Allow-Credentials', 'true')
  }
}

const SIMPLE_METHODS = ['HEAD', 'GET', 'POST']
const SIMPLE_HEADERS = ['Origin', 'Accept', 'Content-Type', 'X-Requested-With']
