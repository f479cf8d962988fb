import type { Client, ZookeeperError } from 'node-zookeeper-client'
import { GatewayError } from '../../../errors.ts'

/** Time a server has to take leave of a session; then its connection is cut. */
const CLOSE_MS = 1_000

/** One session with a ZooKeeper ensemble; it connects again by itself until it has expired. */
export class ZookeeperSession {
  readonly #client: Client
  readonly #noNode: number
  #isOver = false

  private constructor(client: Client, noNode: number) {
    this.#client = client
    this.#noNode = noNode
  }

  /** `servers` are `host:port`. Fails with UPSTREAM_REGISTRY when none answers in time. */
  static async open(servers: readonly string[], timeoutMs: number): Promise<ZookeeperSession> {
    // Loaded when it is needed: most gateways have no ZooKeeper.
    const { createClient, Exception } = await import('node-zookeeper-client')
    const options = { sessionTimeout: timeoutMs, retries: 0 }
    const client = createClient(servers.join(','), options)
    const session = new ZookeeperSession(client, Exception.NO_NODE)
    try {
      await session.#connect(timeoutMs)
    } catch (error) {
      session.close()
      throw error
    }
    return session
  }

  /** True when nothing can be asked any more: the next question needs a new session. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The names of the nodes below a node; null when there is no such node. */
  children(path: string): Promise<readonly string[] | null> {
    return this.#call((done) => this.#client.getChildren(path, done))
  }

  /** What a node holds, nothing at all for one that is empty; null when there is no such node. */
  async data(path: string): Promise<Buffer | null> {
    const found = await this.#call<Buffer | undefined>((done) => this.#client.getData(path, done))
    return found === undefined ? Buffer.alloc(0) : found
  }

  close(): void {
    this.#isOver = true
    this.#client.close()
    setTimeout(() => this.#client.connectionManager?.socket?.destroy(), CLOSE_MS).unref()
  }

  #connect(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new GatewayError('UPSTREAM_REGISTRY', {
            reason: `no server has taken the session within ${timeoutMs} ms`,
          }),
        )
      }, timeoutMs)
      const client = this.#client
      client.once('connected', () => {
        clearTimeout(timer)
        resolve()
      })
      const end = (): void => {
        this.#isOver = true
      }
      client.once('expired', end)
      client.once('authenticationFailed', end)
      client.connect()
    })
  }

  #call<T>(
    send: (done: (error: ZookeeperError | null | undefined, value: T) => void) => void,
  ): Promise<T | null> {
    return new Promise((resolve, reject) => {
      send((error, value) => {
        if (error === null || error === undefined) resolve(value)
        else if (error.code === this.#noNode) resolve(null)
        else reject(new GatewayError('UPSTREAM_REGISTRY', { reason: error.message }))
      })
    })
  }
}
