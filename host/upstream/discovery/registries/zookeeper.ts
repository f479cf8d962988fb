import { duration, z } from '../../../config/schema.ts'
import { GatewayError } from '../../../errors.ts'
import { type InstanceRecord, MAX_INSTANCES } from '../instance.ts'
import { REGISTRY_TIMEOUT_MS } from './registry-api.ts'
import { defineRegistry, type ServiceRegistryDriver, syncInterval } from './registry-kind.ts'
import { parseStored, recordOf } from './stored-instance.ts'
import { within, ZookeeperSession } from './zookeeper-session.ts'

/** The shortest life of a session, and time to get one, in milliseconds. */
const MIN_SESSION_MS = 100

const spec = z.strictObject({
  zkservices: z
    .array(
      z.string().regex(/^[\w.-]+(?::\d{1,5})?$/, 'must be a host and port such as 127.0.0.1:2181'),
    )
    .min(1)
    .default(['127.0.0.1:2181'])
    .describe('Servers of the ensemble; the port is 2181 when none is named.'),
  conntimeout: duration()
    .refine((ms) => ms >= MIN_SESSION_MS, `takes at least ${MIN_SESSION_MS}ms`)
    .prefault('6s')
    .describe('Time to get a session, and how long it lives without a connection.'),
  prefix: z
    .string()
    .regex(/^\//, 'must begin with "/"')
    .default('/')
    .describe('The node below which services are.'),
  syncInterval: syncInterval().describe('Time between two looks at a service.'),
})

/** Finds instances in ZooKeeper. */
export const zookeeper = defineRegistry({
  kind: 'ZookeeperServiceRegistry',
  description: 'Finds the instances of services in ZooKeeper, under `PREFIX/SERVICE/INSTANCE`.',
  example: `kind: ZookeeperServiceRegistry
name: zookeeper
zkservices: [127.0.0.1:2181]
prefix: /services
conntimeout: 6s
syncInterval: 10s
---
kind: Pipeline
name: orders
filters:
  - name: proxy
    kind: Proxy
    pools: [{ serviceRegistry: zookeeper, serviceName: orders }]`,
  notes: [
    'A node holds JSON or YAML: `{"registryName": "zookeeper", "serviceName": "orders", "instanceID": "1", "address": "10.0.0.7", "port": 8080, "scheme": "http", "tags": ["v2"], "weight": 1}`. Only `address` and `port` are needed here.',
    'When there is no node `PREFIX/SERVICE`, the nodes `PREFIX/INSTANCE` are read, and those with this `serviceName` are taken: Easegress writes the first form and counts the second.',
    'The ensemble is spoken to without TLS and without a login, as in Easegress.',
  ],
  spec,
  countField: 'serviceInstancesNum',
  interval: (options) => options.syncInterval,
  create: (options) => new ZookeeperDriver(options),
})

class ZookeeperDriver implements ServiceRegistryDriver {
  readonly #options: z.output<typeof spec>
  /** The prefix without a slash at its end: "" for the root. */
  readonly #base: string
  /** Ends what is under way when the driver is closed. */
  readonly #abort = new AbortController()
  #session: Promise<ZookeeperSession> | null = null

  constructor(options: z.output<typeof spec>) {
    this.#options = options
    this.#base = options.prefix.replace(/\/+$/, '')
  }

  async list(service: string): Promise<readonly InstanceRecord[]> {
    const session = await this.#open()
    try {
      const reason = `no answer within ${REGISTRY_TIMEOUT_MS} ms`
      const { signal } = this.#abort
      return await within(this.#read(session, service), REGISTRY_TIMEOUT_MS, signal, reason)
    } catch (error) {
      // A server that hangs is not noticed by the session: the next look begins with another one.
      this.#forget(session)
      throw error
    }
  }

  async close(): Promise<void> {
    const opening = this.#session
    this.#session = null
    this.#abort.abort()
    try {
      const session = await opening
      session?.close()
    } catch {
      // It was never opened, and whoever asked for it has been told why.
    }
  }

  async #open(): Promise<ZookeeperSession> {
    const { zkservices, conntimeout } = this.#options
    this.#session ??= ZookeeperSession.open(zkservices, conntimeout, this.#abort.signal)
    const opening = this.#session
    try {
      const session = await opening
      if (!session.isOver) return session
      this.#forget(session)
      return await this.#open()
    } catch (error) {
      if (this.#session === opening) this.#session = null
      throw error
    }
  }

  #forget(session: ZookeeperSession): void {
    this.#session = null
    if (!session.isOver) session.close()
  }

  async #read(session: ZookeeperSession, service: string): Promise<readonly InstanceRecord[]> {
    const own = await session.children(`${this.#base}/${service}`)
    if (own !== null && own.length > 0) {
      const nodes = await this.#nodes(session, `${this.#base}/${service}`, own)
      return nodes.map(({ path, value }) => recordOf(path, parseStored(value)))
    }
    const all = await session.children(this.#base === '' ? '/' : this.#base)
    if (all === null) {
      const reason = `there is no node ${this.#options.prefix}`
      throw new GatewayError('UPSTREAM_REGISTRY', { reason })
    }
    const nodes = await this.#nodes(session, this.#base, all)
    return nodes.flatMap(({ path, value }) => {
      // Other nodes of the prefix are nothing to complain about.
      const stored = parseStored(value)
      return stored?.['serviceName'] === service ? [recordOf(path, stored)] : []
    })
  }

  async #nodes(
    session: ZookeeperSession,
    parent: string,
    names: readonly string[],
  ): Promise<{ readonly path: string; readonly value: Buffer }[]> {
    // One more than is used, so that it is said when there are too many.
    const paths = names
      .toSorted()
      .slice(0, MAX_INSTANCES + 1)
      .map((name) => `${parent}/${name}`)
    const values = await Promise.all(paths.map((path) => session.data(path)))
    return paths.flatMap((path, index) => {
      const value = values[index] ?? null
      // It has gone since its name was read.
      return value === null ? [] : [{ path, value }]
    })
  }
}
