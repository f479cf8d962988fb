import { parseDocuments } from '../../config/document.ts'
import { type JsonObject, valueAt } from '../../config/json.ts'
import { readSources } from '../../config/source.ts'
import { isTaken } from '../../free-port.ts'
import type { CliIo } from '../io.ts'
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts'

/**
 * Stands in for the upstreams of a configuration: every address on this machine that a Proxy names, and
 * where nothing listens, gets a mock.
 */
export class MockUpstreams {
  readonly #mocks = new Map<number, MockUpstream>()
  /** Ports where something listens already; said once each. */
  readonly #taken = new Set<number>()
  readonly #say: (text: string) => void

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  /** The ports of the mocks. */
  get ports(): number[] {
    return [...this.#mocks.keys()]
  }

  /** Starts what the files name and is not there yet. What a file has wrong is found by the gateway. */
  async start(files: readonly string[], io: Pick<CliIo, 'cwd' | 'stdin'>): Promise<void> {
    const { sources } = await readSources(files, io)
    const documents = sources.flatMap((source) => parseDocuments(source).documents)
    for (const port of new Set(documents.flatMap(({ data }) => upstreamPorts(data)))) {
      if (this.#mocks.has(port) || this.#taken.has(port)) continue
      try {
        this.#mocks.set(port, await startMockUpstream(port))
      } catch (error) {
        if (!isTaken(error)) throw error
        this.#taken.add(port)
        this.#say(
          `something listens on port ${port} already: it is the upstream, no mock is needed`,
        )
      }
    }
  }

  close(): void {
    for (const mock of this.#mocks.values()) mock.close()
    this.#mocks.clear()
  }
}

/** The ports on this machine that the Proxy filters of a document send to. */
export function upstreamPorts(document: JsonObject): number[] {
  const ports: number[] = []
  for (const filter of listAt(document, 'filters')) {
    if (valueAt(filter, ['kind']) !== 'Proxy') continue
    for (const pool of listAt(filter, 'pools')) {
      for (const server of listAt(pool, 'servers')) {
        const port = loopbackPort(valueAt(server, ['url']))
        if (port !== null) ports.push(port)
      }
    }
  }
  return ports
}

function listAt(data: unknown, key: string): readonly unknown[] {
  const list = valueAt(data, [key])
  return Array.isArray(list) ? list : []
}

/** Null for another machine, for an address with a variable in it, and for https, which needs a certificate. */
function loopbackPort(url: unknown): number | null {
  if (typeof url !== 'string' || !URL.canParse(url)) return null
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'http:' || !['127.0.0.1', 'localhost'].includes(hostname)) return null
  return port === '' ? 80 : Number(port)
}
