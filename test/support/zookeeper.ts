import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, createClient } from 'node-zookeeper-client'
import { freePort } from './free-port.ts'
import { type Cleanup, until } from './gateway.ts'
import { type RegistryServer, startServer } from './registry-server.ts'

const JAR = '/usr/share/java/zookeeper.jar'
const PREFIX = '/services'

/** A ZooKeeper of one server from Debian's package, as a registry of services. */
export async function startZookeeper(cleanup: Cleanup): Promise<RegistryServer> {
  if (!existsSync(JAR)) throw new Error(`${JAR} is missing: apt-get install libzookeeper-java`)
  const port = await freePort()
  const server = await startServer(cleanup, '/usr/bin/java', 'default-jre-headless', (dir) => {
    const file = join(dir, 'zoo.cfg')
    const lines = [
      'tickTime=500',
      `dataDir=${dir}`,
      `clientPort=${port}`,
      'clientPortAddress=127.0.0.1',
      'admin.enableServer=false',
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    const memory = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
    return [...memory, '-cp', JAR, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', file]
  })
  let client = await connect(port)
  cleanup.add(() => client.close())
  const call = <T>(send: (done: (error: unknown, value: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      send((error, value) => (error == null ? resolve(value) : reject(error)))
    })
  return {
    kind: 'ZookeeperServiceRegistry',
    fields: {
      zkservices: [`127.0.0.1:${port}`],
      prefix: PREFIX,
      syncInterval: '100ms',
      conntimeout: '2s',
    },
    put: async (path, value) => {
      await call((done) => client.mkdirp(`${PREFIX}/${path}`, done))
      await call((done) => client.setData(`${PREFIX}/${path}`, Buffer.from(value), done))
    },
    remove: (path) => call((done) => client.remove(`${PREFIX}/${path}`, done)),
    kill: async () => {
      client.close()
      await server.kill()
    },
    restart: async () => {
      await server.start()
      client = await connect(port)
    },
  }
}

/** A client tries once; a server that has just begun to listen may not take a session yet. */
const ATTEMPTS = 12

async function connect(port: number): Promise<Client> {
  for (let attempt = 1; ; attempt++) {
    const client = createClient(`127.0.0.1:${port}`, { sessionTimeout: 10_000, retries: 0 })
    let isConnected = false
    client.once('connected', () => {
      isConnected = true
    })
    client.connect()
    try {
      await until(() => isConnected, 'ZooKeeper takes a session', 5_000)
      return client
    } catch (error) {
      client.close()
      if (attempt === ATTEMPTS) throw error
    }
  }
}
