import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdminOptions, type AdminServer, createAdminServer } from '../../host/admin/server.ts'
import { readToken } from '../../host/admin/token-file.ts'
import { createLogger } from '../../host/observe/log.ts'
import { FakeControl } from '../support/fake-control.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body as JSON; throws when it is none. */
  json(): ReturnType<typeof JSON.parse>
}

/** A running admin API over a fake control plane. */
export interface AdminRig {
  readonly control: FakeControl
  readonly server: AdminServer
  readonly dataDir: string
  readonly token: string
  /** Lines the API has logged. */
  readonly log: string[]
  /** Sends one request; with the right token unless `headers` has an authorization of its own. */
  send(method: string, path: string, options?: SendOptions): Promise<Answer>
  close(): Promise<void>
}

export interface SendOptions {
  /** A null value leaves the header out. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly body?: string | Uint8Array
  readonly type?: string
}

export async function openRig(options: Partial<AdminOptions> = {}): Promise<AdminRig> {
  const dataDir = await mkdtemp(join(tmpdir(), 'penstock-admin-'))
  const control = new FakeControl()
  const log: string[] = []
  const server = await createAdminServer({
    control,
    dataDir,
    port: 0,
    log: createLogger({
      level: 'debug',
      pretty: false,
      destination: { write: (line) => void log.push(line) },
    }),
    ...options,
  })
  const token = (await readToken(dataDir)) ?? ''
  return {
    control,
    server,
    dataDir,
    token,
    log,
    send: (method, path, send = {}) => sendTo(server, token, method, path, send),
    close: async () => {
      await server.close(0)
      await rm(dataDir, { recursive: true })
    },
  }
}

function sendTo(
  server: AdminServer,
  token: string,
  method: string,
  path: string,
  { headers = {}, body, type }: SendOptions,
): Promise<Answer> {
  const all: Record<string, string> = { authorization: `Bearer ${token}` }
  if (type !== undefined) all['content-type'] = type
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) delete all[name]
    else all[name] = value
  }
  if (body !== undefined && all['transfer-encoding'] === undefined) {
    all['content-length'] ??= String(Buffer.byteLength(body))
  }
  return new Promise((resolve, reject) => {
    const { port } = server
    const call = request(
      { host: '127.0.0.1', port, method, path, headers: all, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const { statusCode = 0, headers: answered } = response
          resolve({ status: statusCode, headers: answered, text, json: () => JSON.parse(text) })
          call.destroy()
        })
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}
