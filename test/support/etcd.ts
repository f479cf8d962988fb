import { request } from 'node:http'
import { freePort } from './free-port.ts'
import { type Cleanup, until } from './gateway.ts'
import { type RegistryServer, startServer } from './registry-server.ts'

const PREFIX = '/services'

/** An etcd of one member from Debian's package, as a registry of services. */
export async function startEtcd(cleanup: Cleanup): Promise<RegistryServer> {
  const [port, peerPort] = [await freePort(), await freePort()]
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
  const server = await startServer(cleanup, '/usr/bin/etcd', 'etcd-server', (dir) => [
    ...['--data-dir', dir, '--log-level', 'error'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', `default=${peer}`, '--unsafe-no-fsync'],
  ])
  const encode = (text: string): string => Buffer.from(text).toString('base64')
  const ask = (path: string, body: object): Promise<number> => post(port, path, body)
  const isUp = (): Promise<boolean> =>
    ask('/v3/kv/range', { key: encode('x') }).then(
      (status) => status === 200,
      () => false,
    )
  const change = async (path: string, body: object): Promise<void> => {
    const status = await ask(path, body)
    if (status !== 200) throw new Error(`etcd answered ${status} to ${path}`)
  }
  await until(isUp, 'etcd answers', 60_000)
  return {
    kind: 'EtcdServiceRegistry',
    fields: { endpoints: [`127.0.0.1:${port}`], cacheTimeout: '100ms' },
    put: (path, value) =>
      change('/v3/kv/put', { key: encode(`${PREFIX}/${path}`), value: encode(value) }),
    remove: (path) => change('/v3/kv/deleterange', { key: encode(`${PREFIX}/${path}`) }),
    kill: server.kill,
    restart: async () => {
      await server.start()
      await until(isUp, 'etcd answers again', 60_000)
    },
  }
}

function post(port: number, path: string, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, path, method: 'POST', agent: false },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
        answer.on('error', reject)
      },
    )
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}
