import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Cleanup } from './gateway.ts'
import { pair } from './pki.ts'

/** What a test registers, whatever the registry calls its parts. */
export interface TestInstance {
  readonly id: string
  readonly address: string
  /** Text for one that is malformed. */
  readonly port: number | string
  readonly scheme?: 'http' | 'https'
  readonly tags?: readonly string[]
  readonly weight?: number
  /** True for one that must get no requests: down, critical, disabled. */
  readonly isDown?: boolean
}

/** A registry over HTTP that answers as the documentation of the real one says. */
export interface StandIn {
  readonly kind: string
  readonly port: number
  /** The fields of an object that leads here, beside `kind` and `name`. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly requests: { readonly url: string; readonly headers: IncomingMessage['headers'] }[]
  /** The instances of each service. */
  readonly services: Map<string, readonly TestInstance[]>
  /** Set to answer every question so; null for none. */
  answer: ((response: ServerResponse) => void) | null
}

interface Dialect {
  readonly kind: string
  fields(port: number): Readonly<Record<string, unknown>>
  /** The answer to a question: a status and the JSON that goes with it. */
  reply(
    request: { readonly url: URL; readonly body: string },
    services: ReadonlyMap<string, readonly TestInstance[]>,
  ): readonly [status: number, data: unknown]
}

/** https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service */
const consul: Dialect = {
  kind: 'ConsulServiceRegistry',
  fields: (port) => ({ address: `127.0.0.1:${port}` }),
  reply: ({ url }, services) => {
    const service = decodeURIComponent(url.pathname.split('/v1/health/service/')[1] ?? '')
    const wanted = url.searchParams.getAll('tag')
    const known = (services.get(service) ?? []).filter(({ tags = [] }) =>
      wanted.every((tag) => tags.includes(tag)),
    )
    return [
      200,
      known.map(({ id, address, port, tags = [], weight = 1, isDown = false }) => ({
        Node: { Node: 'n', Address: address },
        Service: {
          ID: id,
          Service: service,
          Tags: tags,
          // An instance without an address of its own is at that of its node.
          Address: id.endsWith('-on-node') ? '' : address,
          Port: port,
          Weights: { Passing: weight, Warning: 1 },
        },
        Checks: [{ Status: 'passing' }, { Status: isDown ? 'critical' : 'passing' }],
      })),
    ]
  },
}

/** https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/ */
const etcd: Dialect = {
  kind: 'EtcdServiceRegistry',
  fields: (port) => ({ endpoints: [`127.0.0.1:${port}`] }),
  reply: ({ body }, services) => {
    const asked = JSON.parse(body)
    const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8')
    const encode = (text: string): string => Buffer.from(text).toString('base64')
    const kvs = [...services].flatMap(([service, instances]) =>
      instances
        .filter(({ isDown = false }) => !isDown)
        .map((one) => ({
          key: `/services/${service}/${one.id}`,
          value: JSON.stringify({
            registryName: 'r',
            serviceName: service,
            instanceID: one.id,
            ...one,
          }),
        })),
    )
    const found = kvs
      .filter(({ key }) => key >= decode(asked.key) && key < decode(asked.range_end))
      .map(({ key, value }) => ({ key: encode(key), value: encode(value) }))
    // Empty fields are left out, as Protocol Buffers have it.
    return [
      200,
      { header: {}, ...(found.length === 0 ? {} : { kvs: found, count: `${found.length}` }) },
    ]
  },
}

/** https://github.com/Netflix/eureka/wiki/Eureka-REST-operations, in the JSON that its servers write */
const eureka: Dialect = {
  kind: 'EurekaServiceRegistry',
  fields: (port) => ({ endpoints: [`http://127.0.0.1:${port}/eureka/`] }),
  reply: ({ url }, services) => {
    const name = decodeURIComponent(url.pathname.split('/eureka/apps/')[1] ?? '')
    const known = services.get(name)
    if (known === undefined || known.length === 0) return [404, null]
    const instance = known.map(({ id, address, port, scheme, isDown = false }) => ({
      instanceId: id,
      hostName: 'not.used.example',
      app: name,
      ipAddr: address,
      status: isDown ? 'OUT_OF_SERVICE' : 'UP',
      port: { $: scheme === 'https' ? 8080 : port, '@enabled': 'true' },
      securePort: { $: scheme === 'https' ? port : 443, '@enabled': String(scheme === 'https') },
    }))
    return [
      200,
      { application: { name, instance: instance.length === 1 ? instance[0] : instance } },
    ]
  },
}

/** https://nacos.io/en/docs/v1/open-api/ and https://nacos.io/en/docs/v1/auth/ */
const nacos: Dialect = {
  kind: 'NacosServiceRegistry',
  fields: (port) => ({ servers: [{ ipAddr: '127.0.0.1', port }], username: 'me', password: 'p&w' }),
  reply: ({ url, body }, services) => {
    if (url.pathname === '/nacos/v1/auth/login') {
      const form = new URLSearchParams(body)
      const isKnown = form.get('username') === 'me' && form.get('password') === 'p&w'
      if (!isKnown) return [403, null]
      return [200, { accessToken: 'token', tokenTtl: 18_000, globalAdmin: false }]
    }
    if (url.searchParams.get('accessToken') !== 'token') return [403, null]
    const service = url.searchParams.get('serviceName') ?? ''
    const hosts = (services.get(service) ?? []).map(
      ({ id, address, port, weight = 1, isDown }) => ({
        instanceId: id,
        ip: address,
        port,
        weight,
        healthy: isDown !== true,
        enabled: true,
        serviceName: `DEFAULT_GROUP@@${service}`,
      }),
    )
    return [200, { name: `DEFAULT_GROUP@@${service}`, hosts }]
  },
}

export const DIALECTS: readonly Dialect[] = [consul, etcd, eureka, nacos]

/** Starts a stand-in of one of `DIALECTS`; a secure one has a certificate that no public authority has signed. */
export async function startStandIn(
  cleanup: Cleanup,
  kind: string,
  isSecure = false,
): Promise<StandIn> {
  const dialect = DIALECTS.find((one) => one.kind === kind)
  if (dialect === undefined) throw new Error(`there is no stand-in for a ${kind}`)
  const services: StandIn['services'] = new Map()
  const requests: StandIn['requests'] = []
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      requests.push({ url: incoming.url ?? '', headers: incoming.headers })
      if (standIn.answer !== null) {
        standIn.answer(outgoing)
        return
      }
      const url = new URL(incoming.url ?? '', 'http://x')
      const body = Buffer.concat(chunks).toString('utf8')
      const [status, data] = dialect.reply({ url, body }, services)
      outgoing.statusCode = status
      outgoing.setHeader('content-type', 'application/json')
      outgoing.end(JSON.stringify(data))
    })
  }
  const server = isSecure ? createTlsServer(pair('localhost'), serve) : createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.add(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const standIn: StandIn = {
    kind,
    port,
    fields: dialect.fields(port),
    requests,
    services,
    answer: null,
  }
  return standIn
}
