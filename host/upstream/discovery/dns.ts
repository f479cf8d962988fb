import { lookup, Resolver } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { reasonOf } from '../../errors.ts'
import type { Logger } from '../../observe/log.ts'
import type { ServerSpec } from '../endpoint.ts'
import { type Discovery, ServerList } from './discovery.ts'

/** Times in milliseconds. */
export interface DnsSpec {
  readonly host: string
  readonly port: number
  readonly interval: number
  /** Name servers to ask, `address` or `address:port`; empty asks as the operating system does. */
  readonly nameServers: readonly string[]
  readonly keepHost: boolean
}

/** Time one look may take before the former addresses are used further. */
export const DNS_TIMEOUT_MS = 2_000

/**
 * Every address of a name is an endpoint. Looked up at an interval: an answer's time to live is not known
 * when the operating system is asked, which is the only way that honors its hosts file and search domains.
 * A failure keeps what was found last.
 */
export class DnsDiscovery implements Discovery {
  readonly ready: Promise<void>
  readonly #spec: DnsSpec
  readonly #log: Logger
  readonly #list = new ServerList()
  readonly #resolver: Resolver | null
  #timer: NodeJS.Timeout | null = null
  #isClosed = false
  #hasFailed = false

  constructor(spec: DnsSpec, log: Logger) {
    this.#spec = spec
    this.#log = log
    this.#resolver = resolverOf(spec)
    this.ready = this.#look()
  }

  get servers(): readonly ServerSpec[] | null {
    return this.#list.servers
  }

  listen(listener: () => void): void {
    this.#list.listen(listener)
  }

  unlisten(listener: () => void): void {
    this.#list.unlisten(listener)
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#resolver?.cancel()
  }

  async #look(): Promise<void> {
    const { host, port, keepHost } = this.#spec
    try {
      const addresses = await withTimeout(this.#addresses())
      if (this.#isClosed) return
      const urls = addresses.map(
        (address) => `http://${isIPv6(address) ? `[${address}]` : address}:${port}`,
      )
      const name = new URL(`http://${host}:${port}`).host
      const servers = [...new Set(urls)]
        .sort()
        .map((url) => ({ url, tags: [], weight: 1, keepHost, host: name }))
      if (this.#list.replace(servers)) this.#log.info({ host, servers: urls }, `${host} resolved`)
      this.#hasFailed = false
    } catch (error) {
      // Once for a failure that lasts.
      if (!this.#hasFailed && !this.#isClosed) {
        this.#log.warn({ host }, `${host} does not resolve: ${reasonOf(error)}`)
      }
      this.#hasFailed = true
    }
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#look(), this.#spec.interval)
    this.#timer.unref()
  }

  async #addresses(): Promise<readonly string[]> {
    const { host } = this.#spec
    const resolver = this.#resolver
    if (resolver === null) {
      const found = await lookup(host, { all: true })
      return found.map((one) => one.address)
    }
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found: string[] = []
    for (const answer of [four, six]) if (answer.status === 'fulfilled') found.push(...answer.value)
    if (found.length === 0 && four.status === 'rejected') throw four.reason
    return found
  }
}

function resolverOf(spec: DnsSpec): Resolver | null {
  if (spec.nameServers.length === 0) return null
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS / 2, tries: 2 })
  resolver.setServers(spec.nameServers)
  return resolver
}

/** A name server that does not answer must not hold up the start of a pipeline. */
function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | null = null
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${DNS_TIMEOUT_MS} ms`)),
      DNS_TIMEOUT_MS,
    )
  })
  return Promise.race([work, late]).finally(() => {
    if (timer !== null) clearTimeout(timer)
  })
}
