import { createServer, type Server } from 'node:http'
import { GatewayError, reasonOf } from '../../errors.ts'

/** An upstream that stands in for the real one. */
export interface MockUpstream {
  readonly port: number
  close(): void
}

/**
 * Starts an upstream on this machine that answers with what reached it, so that one sees what filters
 * changed. Fails with LISTEN.
 */
export function startMockUpstream(port: number): Promise<MockUpstream> {
  const server = createServer((request, response) => {
    const lines = [`hello from the upstream: ${request.method} ${request.url}`]
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push(`  ${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
    }
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    const head = `${lines.join('\n')}\n`
    // A body comes back too, after an empty line.
    let hasBody = false
    request.on('data', (chunk: Buffer) => {
      if (!hasBody) response.write(`${head}\n`)
      hasBody = true
      if (!response.write(chunk)) {
        request.pause()
        response.once('drain', () => request.resume())
      }
    })
    request.on('end', () => response.end(hasBody ? '\n' : head))
    request.on('error', () => response.destroy())
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const address = `127.0.0.1:${port}`
      reject(new GatewayError('LISTEN', { address, reason: reasonOf(error) }, error))
    })
    server.listen(port, '127.0.0.1', () => resolve(running(server)))
  })
}

function running(server: Server): MockUpstream {
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
