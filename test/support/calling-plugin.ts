import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { compiled } from './guest.ts'

const FOLDER = fileURLToPath(new URL('../../.cache/guests/calling/', import.meta.url))

/** Does with the outside world what the path says; the query is the URL of a call. */
export const CALLING_SOURCE = `import {
  Counter, Filter, functions, Gauge, Histogram, http, log, next, random, reply, Request, Result, secrets, store,
} from '@penstock/sdk'

// @ts-ignore: decorator
@external('host', 'plan')
declare function plan(ptr: usize, len: i32): i32

export class Calling extends Filter {
  private calls: Counter = new Counter('calls')
  private level: Gauge = new Gauge('level')
  private sizes: Histogram = new Histogram('sizes', [10, 100])

  onRequest(request: Request): Result {
    const path = request.path.toString()
    if (path == '/call') {
      const answer = http.get(request.query.toString())
      this.calls.add()
      this.level.set(3)
      this.sizes.observe(<f64>answer.body().length)
      if (answer.failure != '') return reply(502, answer.failure)
      return reply(answer.status, answer.text()).header('x-location', answer.header('location') === null ? '' : 'yes')
    }
    if (path == '/plan') {
      return reply(200, functions.answer(plan(functions.pass('acme'), functions.length)).toUtf8())
    }
    if (path == '/secret') {
      const token = secrets.get('token')
      log.info(\`the token is \${token}\`)
      return reply(200, token === null ? 'none' : \`\${token.length}\`)
    }
    if (path == '/random') return reply(200, \`\${random.bytes(16).length}\`)
    if (path == '/store') return reply(200, \`\${store.add('calls')}\`)
    if (path == '/token') {
      const token = request.headers.get('authorization')
      return reply(200, token === null ? 'none' : token.toString())
    }
    request.headers.set('x-seen', request.headers.has('x-plain') ? 'yes' : 'no')
    return next
  }
}
`

/** The module of `CALLING_SOURCE`. */
export async function callingPlugin(): Promise<Uint8Array> {
  await mkdir(FOLDER, { recursive: true })
  const file = `${FOLDER}calling.ts`
  await writeFile(file, CALLING_SOURCE)
  return compiled(file, `${FOLDER}calling.wasm`)
}
