import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type Cleanup, until } from './gateway.ts'
import { authority, pair } from './pki.ts'

/** An ACME server for tests, that of Let's Encrypt: package `pebble` of Debian. */
export interface Pebble {
  readonly directoryURL: string
  /** Where it looks for answers to HTTP-01 and to TLS-ALPN-01. */
  readonly httpPort: number
  readonly tlsPort: number
  /** Orders it has taken. */
  orders(): number
  /** The authority its certificates lead to, in PEM. */
  root(): Promise<string>
  stop(): Promise<void>
}

export interface PebbleOptions {
  /** How long its certificates are valid, in seconds. Default 90 days. */
  readonly validitySeconds?: number
  /** Default free ones. */
  readonly httpPort?: number
  readonly tlsPort?: number
}

/** Every name leads to 127.0.0.1 for it. A missing server is a failure, not a skip. */
export async function startPebble(cleanup: Cleanup, options: PebbleOptions = {}): Promise<Pebble> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-pebble-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  const [port, management, dns] = [await freePort(), await freePort(), await freePort()]
  const httpPort = options.httpPort ?? (await freePort())
  const tlsPort = options.tlsPort ?? (await freePort())
  const names = start(cleanup, 'pebble-challtestsrv', [
    ...['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${await freePort()}`],
    ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''],
  ])
  const { cert, key } = pair('localhost')
  await writeFile(join(dir, 'cert.pem'), cert)
  await writeFile(join(dir, 'key.pem'), key)
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: join(dir, 'cert.pem'),
      privateKey: join(dir, 'key.pem'),
      httpPort,
      tlsPort,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
      certificateValidityPeriod: options.validitySeconds ?? 90 * 86_400,
    },
  }
  await writeFile(join(dir, 'config.json'), JSON.stringify(config))
  const server = start(
    cleanup,
    'pebble',
    ['-config', join(dir, 'config.json'), '-dnsserver', `127.0.0.1:${dns}`],
    // Checks are not put off, and one in ten nonces is refused for no reason: a client must bear that.
    { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '10', PEBBLE_AUTHZREUSE: '0' },
  )
  const directoryURL = `https://localhost:${port}/dir`
  await until(
    () => {
      if (server.child.exitCode !== null) throw new Error(`pebble ended:\n${server.output()}`)
      return fetchPem(directoryURL).then(
        () => true,
        () => false,
      )
    },
    'pebble answers',
    30_000,
  )
  return {
    directoryURL,
    httpPort,
    tlsPort,
    orders: () => server.output().split('POST /order-plz').length - 1,
    root: () => fetchPem(`https://localhost:${management}/roots/0`),
    stop: async () => {
      await server.stop()
      await names.stop()
    },
  }
}

interface Started {
  readonly child: ChildProcess
  output(): string
  stop(): Promise<void>
}

function start(
  cleanup: Cleanup,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let output = ''
  child.on('error', (error) => {
    output += `${error.message}: apt-get install pebble\n`
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
  }
  const stop = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
  cleanup.add(stop)
  return { child, output: () => output, stop }
}

function fetchPem(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ca: authority('ca'), agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
    call.on('error', reject)
    call.end()
  })
}
