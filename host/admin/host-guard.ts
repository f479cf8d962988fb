import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { GatewayError } from '../errors.ts'

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** Characters of a refused header that the answer repeats. */
const SHOWN_LENGTH = 100

/**
 * Lets only requests through that were meant for this API by name. A web page can point a name of its own
 * at 127.0.0.1 (DNS rebinding) and then talk to the API as if it were its own server; its requests carry
 * that name in Host, and in Origin.
 *
 * Allowed are the loopback names with the port of the API, the address the connection came in on (a name
 * can be rebound, an address cannot), and `extra`: `name:port`, or `name` for any port.
 */
export class HostGuard {
  readonly #extra: ReadonlySet<string>

  constructor(extra: readonly string[] = []) {
    this.#extra = new Set(extra.map((name) => name.toLowerCase()))
  }

  /** Throws ADMIN_FORBIDDEN. */
  check(request: IncomingMessage): void {
    const { localAddress = '', localPort = 0 } = request.socket
    const host = request.headers.host ?? ''
    if (!this.#isAllowed(host, localAddress, localPort)) throw refused('the host', host)
    const origin = request.headers.origin
    if (origin === undefined) return
    const originHost = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]
    if (originHost === undefined || !this.#isAllowed(originHost, localAddress, localPort)) {
      throw refused('the origin', origin)
    }
  }

  #isAllowed(authority: string, localAddress: string, localPort: number): boolean {
    const lower = authority.toLowerCase()
    const parts = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(lower)
    const name = parts?.[1]
    if (name === undefined) return false
    if (this.#extra.has(name) || this.#extra.has(lower)) return true
    // Without a port it is 80, which a browser leaves out.
    if (Number(parts?.[2] ?? 80) !== localPort) return false
    return LOOPBACK_NAMES.includes(name) || name === literal(localAddress)
  }
}

/** An address as it stands in a URL; an IPv4 address that arrived on an IPv6 socket is an IPv4 address. */
function literal(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return isIPv6(plain) ? `[${plain}]` : plain
}

function refused(header: string, value: string): GatewayError {
  return new GatewayError('ADMIN_FORBIDDEN', { header, value: value.slice(0, SHOWN_LENGTH) })
}
