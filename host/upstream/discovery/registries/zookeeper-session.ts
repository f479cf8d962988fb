import type { Client, ZookeeperError } from 'node-zookeeper-client'
import { GatewayError } from '../../../errors.ts'

/** Bytes of one message of a server. */
export const MAX_ZOOKEEPER_MESSAGE_BYTES = 8 * 1024 * 1024

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

  /**
   * `servers` are `host:port`. Fails with UPSTREAM_REGISTRY when none answers in time, and when `signal` is
   * aborted before.
   */
  static async open(
    servers: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ZookeeperSession> {
    // Loaded when it is needed: most gateways have no ZooKeeper.
    const { createClient, Exception } = await import('node-zookeeper-client')
    const options = { sessionTimeout: timeoutMs, retries: 0 }
    const client = createClient(servers.join(','), options)
    distrust(client)
    const session = new ZookeeperSession(client, Exception.NO_NODE)
    try {
      await session.#connect(timeoutMs, signal)
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
    setTimeout(() => this.#client.connectionManager.socket?.destroy(), CLOSE_MS).unref()
  }

  async #connect(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const client = this.#client
    const connected = new Promise<void>((resolve) => {
      client.once('connected', resolve)
    })
    const end = (): void => {
      this.#isOver = true
    }
    client.once('expired', end)
    client.once('authenticationFailed', end)
    client.connect()
    const reason = `no server has taken the session within ${timeoutMs} ms`
    await within(connected, timeoutMs, signal, reason)
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

/**
 * The client takes whatever a server sends: a length that is no length makes it collect for ever, and a message
 * that it cannot read is an error that nobody catches, which would end the process.
 */
function distrust({ connectionManager: manager }: Client): void {
  const take = manager.onSocketData.bind(manager)
  manager.onSocketData = (bytes) => {
    const rest = manager.pendingBuffer?.subarray(0, 4) ?? bytes.subarray(0, 0)
    const begin = Buffer.concat([rest, bytes.subarray(0, 4)])
    const length = begin.length < 4 ? 0 : begin.readInt32BE(0)
    try {
      if (length < 0 || length > MAX_ZOOKEEPER_MESSAGE_BYTES) throw new RangeError('no length')
      take(bytes)
    } catch {
      // It connects again, and whoever has asked is told that the connection was lost.
      manager.pendingBuffer = null
      manager.socket?.destroy()
    }
  }
}

/** Fails with UPSTREAM_REGISTRY and `reason` after `ms`, and at once when `signal` is aborted. */
export function within<T>(
  work: Promise<T>,
  ms: number,
  signal: AbortSignal,
  reason: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (why: string): void => {
      done()
      reject(new GatewayError('UPSTREAM_REGISTRY', { reason: why }))
    }
    const onAbort = (): void => fail('it was closed')
    const timer = setTimeout(() => fail(reason), ms)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(done)
  })
}
