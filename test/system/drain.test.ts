import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { freePort } from '../support/free-port.ts'
import { Cleanup, fetchFrom, startUpstream, until } from '../support/gateway.ts'
import { serve } from '../support/serve.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('system/drain', { timeoutMs: 90_000 })

const ENGINES = ['native', 'node'] as const

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

function yamlOf(port: number, upstream: string): string {
  return `kind: HTTPServer
name: server
port: ${port}
address: 127.0.0.1
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
filters:
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream}" }] }] }
`
}

for (const engine of ENGINES) {
  test(`${engine}: SIGTERM under load: not ready at once, nothing that was asked is lost, exit 0`, async () => {
    const upstream = await startUpstream(cleanup, (_, outgoing) => {
      setTimeout(() => outgoing.end('ok'), 20)
    })
    const [port, admin] = [await freePort(), await freePort()]
    const served = await serve(cleanup, { 'gateway.yaml': yamlOf(port, upstream.url) }, [
      '--admin-address',
      `127.0.0.1:${admin}`,
      '--http-engine',
      engine,
    ])
    assert.is((await fetchFrom(admin, '/readyz')).status, 200)

    const outcomes = { ok: 0, failed: [] as string[], closes: 0 }
    let isStopping = false
    const workers = Array.from({ length: 16 }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      for (;;) {
        const outcome = await ask(port, agent)
        if (outcome === 'refused') break
        if (outcome === 'close') outcomes.closes += 1
        if (outcome === 'ok' || outcome === 'close') outcomes.ok += 1
        else outcomes.failed.push(outcome)
        if (isStopping && outcome === 'close') break
      }
      agent.destroy()
    })
    await until(() => outcomes.ok > 200, 'load', 30_000)
    isStopping = true
    const exited = once(served.process, 'exit')
    served.process.kill('SIGTERM')
    await until(
      async () => {
        const answer = await fetchFrom(admin, '/readyz').catch(() => null)
        return answer === null || answer.status === 503
      },
      'it says that it is not ready',
      10_000,
    )
    await Promise.all(workers)
    const [code] = await exited
    assert.is(code, 0)
    assert.equal(outcomes.failed, [])
    assert.ok(outcomes.closes > 0, 'answers say that the connection ends')
  })

  test(`${engine}: the deadline cuts what does not end, and the exit is 0 all the same`, async () => {
    const upstream = await startUpstream(cleanup, () => undefined)
    const [port, admin] = [await freePort(), await freePort()]
    const served = await serve(cleanup, { 'gateway.yaml': yamlOf(port, upstream.url) }, [
      '--admin-address',
      `127.0.0.1:${admin}`,
      '--http-engine',
      engine,
      '--drain-timeout',
      '5',
    ])
    const hanging = fetchFrom(port, '/').then(
      () => 'answered',
      () => 'cut',
    )
    await until(() => upstream.requests.length === 1, 'it is under way')
    const startedAtMs = performance.now()
    const exited = once(served.process, 'exit')
    served.process.kill('SIGTERM')
    await until(
      async () => (await fetchFrom(admin, '/readyz').catch(() => null))?.status === 503,
      'not ready while the last request runs',
    )
    const [code] = await exited
    assert.is(code, 0)
    assert.is(await hanging, 'cut')
    assert.ok(performance.now() - startedAtMs >= 4_900)
  })
}

/** One request without a second try. */
function ask(port: number, agent: Agent): Promise<'ok' | 'close' | 'refused' | string> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, agent }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('error', (error) => resolve(`in the answer: ${error.message}`))
      response.on('end', () => {
        if (response.statusCode !== 200 || body !== 'ok') {
          resolve(`${response.statusCode} ${body}`)
        } else resolve(response.headers.connection === 'close' ? 'close' : 'ok')
      })
    })
    call.on('error', (error: Error & { code?: string }) => {
      resolve(error.code === 'ECONNREFUSED' ? 'refused' : `${error.code} ${error.message}`)
    })
    call.end()
  })
}
