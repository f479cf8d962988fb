import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type Agent, createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createGateway, type Gateway, type GatewayOptions } from '../../host/gateway.ts'
import { createLogger } from '../../host/observe/log.ts'
import { AccessLog } from '../../host/traffic/access-log.ts'

/** Undoes what a test made, last first. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = []

  add(step: () => unknown): void {
    this.#steps.push(step)
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step()
  }
}

export interface TestGateway {
  readonly gateway: Gateway
  /** The folder of the configuration. */
  readonly dir: string
  /** Lines of the log, access log included, as JSON text. */
  readonly lines: string[]
  readonly port: number
  /** Replaces a file of the configuration folder. */
  write(name: string, content: string | Uint8Array): Promise<void>
  get(path: string, options?: GetOptions): Promise<Answer>
}

export interface GetOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
  readonly agent?: Agent
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/**
 * A gateway over files in a folder of its own. `gateway.yaml` is written from `yaml`, in which `@upstream`
 * stands for an upstream's address; its HTTPServer must be called "server" and use port 0.
 */
export async function startGateway(
  cleanup: Cleanup,
  yaml: string,
  files: Readonly<Record<string, string | Uint8Array>> = {},
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-test-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  const write = async (name: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), content)
  }
  for (const [name, content] of Object.entries(files)) await write(name, content)
  await write('gateway.yaml', yaml)
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const gateway = await createGateway({
    files: [join(dir, 'gateway.yaml')],
    dataDir: join(dir, '.penstock'),
    admin: null,
    drainMs: 5_000,
    // The same tests hold for every engine: PENSTOCK_TEST_ENGINE=node npm test
    httpEngine: process.env['PENSTOCK_TEST_ENGINE'] ?? 'native',
    log: createLogger({ level: 'debug', destination, pretty: false }),
    accessLog: new AccessLog({ destination, pretty: false }),
    // A machine that is busy with other tests would make it turn requests away.
    overloadProbe: { sample: () => ({ loopDelayMs: 0, memoryRatio: 0 }) },
    ...options,
  })
  cleanup.add(() => gateway.close())
  const port = gateway.portOf('server') ?? 0
  return { gateway, dir, lines, port, write, get: (path, init) => fetchFrom(port, path, init) }
}

/** One request over a socket of its own, unless an agent is given. */
export function fetchFrom(port: number, path: string, options: GetOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
        agent: options.agent ?? false,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    call.on('error', reject)
    // As bytes: Node writes a text together with the header, and then the header in UTF-8 too.
    call.end(options.body === undefined ? undefined : Buffer.from(options.body))
  })
}

export interface TestUpstream {
  readonly url: string
  readonly port: number
  readonly server: Server
  /** What it was asked: method, path and headers. */
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[]
}

/** An upstream that answers with what it was asked, as JSON, unless `answer` says otherwise. */
export async function startUpstream(
  cleanup: Cleanup,
  answer?: Parameters<typeof createServer>[1],
): Promise<TestUpstream> {
  const requests: TestUpstream['requests'] = []
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    requests.push({
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
    })
    if (answer !== undefined) {
      answer(incoming, outgoing)
      return
    }
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      outgoing.setHeader('content-type', 'application/json')
      outgoing.end(
        JSON.stringify({
          method: incoming.method,
          url: incoming.url,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.add(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, server, requests }
}

/** Waits until `isTrue` is true, looking every few milliseconds; fails after `limitMs`. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 20_000,
): Promise<void> {
  const endsAt = performance.now() + limitMs
  while (!(await isTrue())) {
    if (performance.now() > endsAt) throw new Error(`still not so after ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
