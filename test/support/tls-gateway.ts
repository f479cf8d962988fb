import { request } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import { ConfigError } from '../../host/config/issues.ts'
import { connectSecure } from '../http/tls/listener.ts'
import { type Cleanup, startGateway } from './gateway.ts'
import { authority, base64, pair } from './pki.ts'

/** An HTTPServer with these fields, as JSON is YAML, before a pipeline with these filters. */
export function yamlOf(server: object, filters: readonly object[] = [MOCK]): string {
  const rules = [{ paths: [{ pathPrefix: '/', backend: 'main' }] }]
  const documents = [
    { kind: 'HTTPServer', name: 'server', address: '127.0.0.1', port: 0, rules, ...server },
    { kind: 'Pipeline', name: 'main', filters },
  ]
  return documents.map((document) => JSON.stringify(document)).join('\n---\n')
}

/** The filter of a pipeline that answers by itself. */
export const MOCK = { name: 'mock', kind: 'Mock', rules: [{ body: 'mocked' }] }

/** The fields of a server with this certificate in them. */
export function inline(name: string): { certBase64: string; keyBase64: string } {
  const { cert, key } = pair(name)
  return { certBase64: base64(cert), keyBase64: base64(key) }
}

/** The same certificate as files, by name. */
export function inFiles(name: string): Record<string, string> {
  const { cert, key } = pair(name)
  return { 'server.pem': cert, 'server.key': key }
}

/** The body of the answer to one request over TLS. */
export function get(port: number, path = '/', more: SecureContextOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        port,
        path,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: authority('ca'),
        agent: false,
        ...more,
      },
      (response) => {
        response.setEncoding('utf8')
        let body = ''
        response.on('data', (text: string) => {
          body += text
        })
        response.on('end', () => resolve(body))
      },
    )
    call.on('error', reject)
    call.end()
  })
}

/** The common name of the certificate that is shown for `name`. */
export async function shownFor(port: number, host: string): Promise<string> {
  const socket = await connectSecure(port, { servername: host, rejectUnauthorized: false })
  const name = String(socket.getPeerCertificate().subject.CN)
  socket.destroy()
  return name
}

/** Path and message of each problem of a server with these fields. */
export async function problemsIn(
  cleanup: Cleanup,
  server: object,
  filters: readonly object[] = [MOCK],
): Promise<string[]> {
  try {
    await startGateway(cleanup, yamlOf(server, filters), {}, { watch: false })
  } catch (error) {
    if (error instanceof ConfigError)
      return error.issues.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  return []
}
