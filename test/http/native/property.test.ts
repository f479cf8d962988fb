import { nativeEngine } from '../../../host/http/native/engine.ts'
import { normalizePath } from '../../../host/http/native/target.ts'
import { createPrng, testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'
import { startUpstream, valuesOf, WireClient } from '../wire.ts'
import { makeMessage, mutate } from './message-generator.ts'
import { startTinyProxy } from './tiny-proxy.ts'

/** How long to try; longer in the long run of the pipeline. */
const FUZZ_MS = Number(process.env['PENSTOCK_FUZZ_MS'] ?? 3_000)

const test = suite('http/native/property', { timeoutMs: FUZZ_MS + 30_000 })

test('what is taken reaches the upstream with the same method, target, Host and body', async () => {
  const seed = testSeed()
  const prng = createPrng(`property ${seed}`)
  const upstream = await startUpstream((socket, request) => {
    const isHead = request.line.startsWith('HEAD ')
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${isHead ? '' : 'ok'}`)
  })
  const limits = { bodyIdleTimeoutMs: 100, headerTimeoutMs: 300 }
  const proxy = await startTinyProxy(nativeEngine, upstream.origin, { limits })
  const until = performance.now() + FUZZ_MS
  let tried = 0
  let taken = 0
  while (performance.now() < until) {
    const text = prng.below(3) === 0 ? mutate(prng, makeMessage(prng)) : makeMessage(prng)
    // A second request would be answered, or not, after we have looked.
    if ((text.match(/ HTTP\/1\.[01]\r\n/g) ?? []).length > 1) continue
    const seenBefore = upstream.seen.length
    const client = await WireClient.open(proxy.port)
    client.socket.write(Buffer.from(text, 'latin1'))
    await client.until(() => client.hasEnded || /^HTTP\/1\.1 [2-5]|\nHTTP/.test(client.received))
    client.close()
    const shown = `seed ${seed}, message ${tried}: ${JSON.stringify(text)}`
    const answer = client.received.replace('HTTP/1.1 100 Continue\r\n\r\n', '')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)
    const seen = upstream.seen.slice(seenBefore)
    if (status >= 400) assert.is(seen.length, 0, `refused and passed on; ${shown}`)
    for (const request of seen) {
      taken += 1
      const start = text.startsWith('\r\n') ? 2 : 0
      const line = text.slice(start, text.indexOf('\r\n', start))
      const [, method, target = ''] = /^(\S+) (\S+) HTTP\/1\.[01]$/.exec(line) ?? []
      assert.is(request.line, `${method} ${wanted(target)} HTTP/1.1`, shown)
      // What stands behind the head is not this request's, whatever it looks like.
      const head = text.slice(start, text.indexOf('\r\n\r\n', start) + 4)
      const host = /\r\nHost:[\t ]*([^\r]*?)[\t ]*\r\n/i.exec(head)?.[1]
      if (host !== undefined) assert.equal(valuesOf(request, 'host'), [host], shown)
      assert.is(valuesOf(request, 'host').length, 1, shown)
      assert.ok(
        valuesOf(request, 'content-length').length +
          valuesOf(request, 'transfer-encoding').length <=
          1,
        shown,
      )
      assert.is(request.body, bodyOf(text), shown)
    }
    tried += 1
  }
  process.stdout.write(`     seed ${seed}: ${tried} messages, ${taken} passed on\n`)
  await proxy.close()
  await upstream.close()
  assert.ok(taken > 0)
})

/** The body of a message that is known to be valid. */
function bodyOf(text: string): string {
  const headEnd = text.indexOf('\r\n\r\n') + 4
  const head = text.slice(0, headEnd)
  const length = /\r\nContent-Length:[\t ]*(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return text.slice(headEnd, headEnd + Number(length))
  if (!/\r\nTransfer-Encoding:/i.test(head)) return ''
  let body = ''
  for (let at = headEnd; ; ) {
    const lineEnd = text.indexOf('\r\n', at) + 2
    const size = Number.parseInt(text.slice(at), 16)
    if (size === 0) return body
    body += text.slice(lineEnd, lineEnd + size)
    at = lineEnd + size + 2
  }
}

/** The target as it is to be sent on. */
function wanted(target: string): string {
  const text = target.replace(/^https?:\/\/[^/?]*/i, '')
  const origin = text.startsWith('/') ? text : `/${text}`
  const mark = origin.indexOf('?')
  const path = normalizePath(mark < 0 ? origin : origin.slice(0, mark)) ?? ''
  return mark < 0 || mark === origin.length - 1 ? path : path + origin.slice(mark)
}
