import { createServer, type Server } from 'node:http'

/** The port of the demo's upstream, which plugins/demo.yaml names. */
export const UPSTREAM_PORT = 9095

/** A small upstream that answers with what reached it, so that one sees what plugins changed. */
export function startUpstream(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const lines = [`hello from the upstream: ${request.method} ${request.url}`]
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push(`  ${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
    }
    request.resume()
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    response.end(`${lines.join('\n')}\n`)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
