import { AsyncLocalStorage } from 'node:async_hooks'
import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Authorization, Client, Order } from 'acme-client'
import { reasonOf } from '../errors.ts'
import { hostNamesOf, pairProblem } from '../http/tls/certificate.ts'
import { VERSION } from '../version.ts'
import { sendAcme } from './acme-http.ts'
import type {
  CertificateAuthority,
  ChallengeDesk,
  ChallengeKind,
  OrderOutcome,
} from './authority.ts'
import { type CertificateStore, newKey } from './certificate-store.ts'

/** Time for an order from its beginning to the certificate. */
export const ORDER_TIMEOUT_MS = 300_000

/** How long to wait before an authority is asked the first time whether it is ready; twice as long each time. */
export const FIRST_POLL_MS = 1_000

export const MAX_POLL_MS = 15_000

export interface AcmeSettings {
  readonly directoryURL: string
  readonly email: string
  /** The authorities of the directory's own certificate, in PEM; null for those that come with Node. */
  readonly ca: string | null
}

type Library = typeof import('acme-client')

/** What the messages of one order have in common. */
interface Line {
  readonly agent: Agent
  readonly signal: AbortSignal
  /** What the last answer that refused said about coming again. */
  retryAfterMs: number | null
}

/** The library sends through one instance for the whole process: this says which order a message belongs to. */
const lines = new AsyncLocalStorage<Line>()

let library: Promise<Library> | null = null

/** Loaded for the first order: a gateway whose certificates are all fresh does not pay its memory. */
function loadLibrary(): Promise<Library> {
  library ??= import('acme-client').then(({ default: loaded }) => {
    // Our own sending in place of the library's: it has limits, trusts what the settings say, follows no
    // redirects, and does not repeat what failed. Who else uses the library in this process is left alone.
    loaded.axios.interceptors.request.use((config) => {
      if (lines.getStore() !== undefined) config.adapter = sendConfig
      return config
    })
    return loaded
  })
  return library
}

type SendConfig = Exclude<
  Library['axios']['defaults']['adapter'],
  string | readonly unknown[] | undefined
>

const sendConfig: Extract<SendConfig, (config: never) => unknown> = async (config) => {
  const line = lines.getStore()
  if (line === undefined) throw new Error('a message of no order')
  const { status, headers, body } = await sendAcme(
    {
      url: config.url ?? '',
      method: (config.method ?? 'get').toUpperCase(),
      headers: {
        ...(Object.fromEntries(
          Object.entries(config.headers.toJSON()).map(([name, value]) => [name, String(value)]),
        ) as Record<string, string>),
        'User-Agent': `penstock/${VERSION}`,
        'Accept-Encoding': 'identity',
      },
      body: typeof config.data === 'string' ? config.data : null,
    },
    line.agent,
    line.signal,
  )
  if (status === 429 || status >= 500) line.retryAfterMs = retryAfterOf(headers['retry-after'])
  return { status, statusText: '', headers: { ...headers }, data: body, config, request: null }
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfterOf(value: string | undefined): number | null {
  if (value === undefined) return null
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : null
}

/**
 * An authority that speaks ACME (RFC 8555). The only importer of acme-client, which knows the protocol; how
 * messages are sent, how long is waited and what is done about failures is ours.
 */
export class AcmeAuthority implements CertificateAuthority {
  readonly #settings: AcmeSettings
  readonly #store: CertificateStore
  readonly #desk: ChallengeDesk

  constructor(settings: AcmeSettings, store: CertificateStore, desk: ChallengeDesk) {
    this.#settings = settings
    this.#store = store
    this.#desk = desk
  }

  async issue(
    domain: string,
    kinds: readonly ChallengeKind[],
    closing: AbortSignal,
  ): Promise<OrderOutcome> {
    const { ca } = this.#settings
    const deadline = AbortSignal.timeout(ORDER_TIMEOUT_MS)
    const line: Line = {
      agent: new Agent({ keepAlive: true, ...(ca === null ? {} : { ca }) }),
      signal: AbortSignal.any([closing, deadline]),
      retryAfterMs: null,
    }
    try {
      return await lines.run(line, () => this.#order(domain, kinds, line.signal))
    } catch (error) {
      const late = `the order was not done within ${ORDER_TIMEOUT_MS / 60_000} min`
      const reason = deadline.aborted ? late : reasonOf(error)
      return { isIssued: false, reason, retryAfterMs: line.retryAfterMs }
    } finally {
      line.agent.destroy()
    }
  }

  async #order(
    domain: string,
    kinds: readonly ChallengeKind[],
    signal: AbortSignal,
  ): Promise<OrderOutcome> {
    const { directoryURL, email } = this.#settings
    const accountKey = await this.#store.accountKey(directoryURL)
    const { Client: AcmeClient, crypto } = await loadLibrary()
    const client = new AcmeClient({ directoryUrl: directoryURL, accountKey })
    // Answers the account of this key if there is one, so that nobody has to remember it.
    await client.createAccount({ termsOfServiceAgreed: true, contact: [`mailto:${email}`] })
    let order = await client.createOrder({ identifiers: [{ type: 'dns', value: domain }] })
    const answers: (() => void)[] = []
    try {
      for (const authorization of await client.getAuthorizations(order)) {
        if (authorization.status === 'valid') continue
        answers.push(await this.#answer(client, crypto, authorization, kinds))
      }
      order = await settled(client, order, ['ready', 'valid'], signal)
    } finally {
      for (const takeAway of answers) takeAway()
    }
    const key = newKey()
    const [, request] = await crypto.createCsr({ altNames: [domain] }, key)
    order = await client.finalizeOrder(order, request)
    order = await settled(client, order, ['valid'], signal)
    const cert = await client.getCertificate(order)
    const problem = pairProblem({ cert, key }) ?? nameProblem(cert, domain)
    if (problem !== null) throw new Error(`what the authority sent cannot be used: ${problem}`)
    return { isIssued: true, cert, key }
  }

  /** Lays out the answer to one check, asks for it, and says how to take the answer away. */
  async #answer(
    client: Client,
    crypto: Library['crypto'],
    authorization: Authorization,
    kinds: readonly ChallengeKind[],
  ): Promise<() => void> {
    const offered: readonly { readonly type: string }[] = authorization.challenges
    const kind = kinds.find((one) => offered.some(({ type }) => type === one))
    const challenge = authorization.challenges.find(({ type }) => String(type) === kind)
    if (kind === undefined || challenge === undefined) {
      const types = offered.map(({ type }) => type).join(', ')
      throw new Error(`the authority offers ${types}, and here ${kinds.join(', ')} can be answered`)
    }
    const answer = await client.getChallengeKeyAuthorization(challenge)
    let takeAway: () => void
    if (kind === 'http-01') {
      takeAway = this.#desk.answerHttp(challenge.token, answer)
    } else {
      const key = newKey()
      const [, cert] = await crypto.createAlpnCertificate(authorization, answer, key)
      const domain = authorization.identifier.value
      takeAway = this.#desk.answerHandshake(domain, { name: domain, cert: cert.toString(), key })
    }
    try {
      await client.completeChallenge(challenge)
    } catch (error) {
      takeAway()
      throw error
    }
    return takeAway
  }
}

/** The order once it has come to one of these states. */
async function settled(
  client: Client,
  order: Order,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<Order> {
  let current = order
  for (let waitMs = FIRST_POLL_MS; !wanted.includes(current.status); ) {
    if (current.status === 'invalid') throw new Error(await whyInvalid(client, current))
    await sleep(waitMs, undefined, { signal, ref: false })
    waitMs = Math.min(waitMs * 2, MAX_POLL_MS)
    current = await client.getOrder(current)
  }
  return current
}

/** What the authority has to say about the checks that failed. */
async function whyInvalid(client: Client, order: Order): Promise<string> {
  const authorizations = await client.getAuthorizations(order)
  const found = authorizations.flatMap(({ challenges }) =>
    challenges.flatMap(({ type, error }) => {
      const detail = error !== undefined && 'detail' in error ? String(error.detail) : ''
      return detail === '' ? [] : [`${type}: ${detail}`]
    }),
  )
  return found.length === 0 ? 'the authority refused the order' : found.join('; ')
}

function nameProblem(cert: string, domain: string): string | null {
  return hostNamesOf(cert).includes(domain) ? null : `it is not for ${domain}`
}
