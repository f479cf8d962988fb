import { Cleanup, startGateway, startUpstream, type TestGateway } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/routing')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** A gateway whose pipelines `echo` (to an upstream that tells what it was asked) and `mock` are there. */
async function start(server: string): Promise<TestGateway> {
  const upstream = await startUpstream(cleanup)
  return startGateway(
    cleanup,
    `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
${server.replaceAll('@upstream', upstream.url)}
---
kind: Pipeline
name: echo
filters:
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }
---
kind: Pipeline
name: mock
filters:
  - { name: mock, kind: Mock, rules: [{ body: mock }] }
`,
    {},
    { watch: false },
  )
}

test('a route asks for query fields, one of them or all', async () => {
  const { get } = await start(`
rules:
  - paths:
      - path: /any
        queries: [{ key: a, values: ["1"] }, { key: b, regexp: "^x" }]
        backend: mock
      - path: /all
        queries: [{ key: a, values: ["1"] }, { key: "ü", regexp: "^x" }]
        matchAllQuery: true
        backend: mock`)
  assert.is((await get('/any?b=xy')).status, 200)
  assert.is((await get('/any?a=2&b=y')).status, 400)
  assert.is((await get('/any')).status, 400)
  assert.is((await get('/all?a=1&%C3%BC=x+y')).status, 200)
  assert.is((await get('/all?a=1')).status, 400)
})

test('clients are let in by their address at three levels, and 403 goes before all other reasons', async () => {
  const own = '{ allowIPs: [127.0.0.0/8, "::1"] }'
  const others = '{ blockByDefault: true, allowIPs: [10.0.0.0/8] }'
  const allowed = await start(`
ipFilter: ${own}
rules:
  - ipFilter: ${own}
    paths:
      - { path: /in, ipFilter: ${own}, backend: mock }
      - { path: /out, ipFilter: ${others}, backend: mock }
      - { path: /out, headers: [{ key: X-A, values: [b] }], backend: mock }
  - ipFilter: { blockIPs: [127.0.0.1] }
    paths: [{ path: /blocked, backend: mock }]`)
  assert.is((await allowed.get('/in')).status, 200)
  assert.is((await allowed.get('/out')).status, 403)
  assert.is((await allowed.get('/out', { headers: { 'x-forwarded-for': '10.1.1.1' } })).status, 403)
  assert.is((await allowed.get('/blocked')).status, 403)
  const refused = await start(`ipFilter: ${others}\nrules: [{ paths: [{ backend: mock }] }]`)
  assert.is((await refused.get('/')).status, 403)
})

test('a route may take more or less of a body than its server', async () => {
  const { get } = await start(`
clientMaxBodySize: 100
rules:
  - paths:
      - { path: /less, clientMaxBodySize: 10, backend: echo }
      - { path: /more, clientMaxBodySize: 1000, backend: echo }
      - { path: /all, clientMaxBodySize: -1, backend: echo }
      - { backend: echo }`)
  const send = async (path: string, size: number, isChunked = false): Promise<number> => {
    const headers: Record<string, string> = isChunked ? { 'transfer-encoding': 'chunked' } : {}
    const answer = await get(path, { method: 'POST', body: Buffer.alloc(size, 'x'), headers })
    return answer.status
  }
  assert.is(await send('/less', 10), 200)
  assert.is(await send('/less', 11), 413)
  assert.is(await send('/less', 11, true), 413)
  assert.is(await send('/more', 1_000), 200)
  assert.is(await send('/more', 1_001), 413)
  assert.is(await send('/all', 200_000), 200)
  assert.is(await send('/', 101), 413)
  assert.is(await send('/', 101, true), 413)
  assert.is(await send('/', 100, true), 200)
})

test('setHeaders fills in the variables of nginx', async () => {
  const { get } = await start(`
rules:
  - paths:
      - pathPrefix: /
        backend: echo
        setHeaders:
          X-Request: "$request_method $request_uri $uri"
          X-Host: "$host \${http_host} $scheme"
          X-Real-IP: $remote_addr
          X-Forwarded-For: $proxy_add_x_forwarded_for
          X-Args: "$arg_name|$args|$query_string"
          X-Cookie: $cookie_session
          X-Header: $http_x_in
          X-Default: "\${remote_user:anonymous}-\${arg_none:x}"
          X-None: "[$nothing]"
          X-Type: "$content_type $content_length $request_length $server_protocol"
          X-Times: "$msec $time_iso8601 $time_local $request_time"
          X-Price: "5$"
          X-Gone: ""
          Host: upstream.example`)
  const answer = await get('/p%20q?name=a%20b', {
    method: 'POST',
    body: 'body',
    headers: {
      host: 'client.example:81',
      cookie: 'other=1; session=abc',
      'x-in': 'in',
      'x-gone': '1',
      'content-type': 'text/plain',
      'x-forwarded-for': '9.9.9.9',
      'x-real-ip': '9.9.9.9',
    },
  })
  const { headers } = JSON.parse(answer.body)
  assert.is(headers['x-request'], 'POST /p%20q?name=a%20b /p q')
  assert.is(headers['x-host'], 'client.example client.example:81 http')
  assert.is(headers['x-real-ip'], '127.0.0.1')
  assert.is(headers['x-forwarded-for'], '9.9.9.9, 127.0.0.1')
  assert.is(headers['x-args'], 'a b|name=a%20b|name=a%20b')
  assert.is(headers['x-cookie'], 'abc')
  assert.is(headers['x-header'], 'in')
  assert.is(headers['x-default'], 'anonymous-x')
  assert.is(headers['x-none'], '[]')
  assert.is(headers['x-type'], 'text/plain 4 4 HTTP/1.1')
  assert.match(
    headers['x-times'],
    /^\d{13} \d{4}-\d\d-\d\dT\S+ \d\d\/\w{3}\/\d{4}:\S+ [+-]\d{4} \d\.\d{3}$/,
  )
  assert.is(headers['x-price'], '5$')
  assert.is(headers['x-gone'], undefined)
  assert.is(headers.host, 'upstream.example')
})

test('xForwardedFor adds the client to what it says about itself', async () => {
  const kept = await start('xForwardedFor: true\nrules: [{ paths: [{ backend: echo }] }]')
  const forwarded = { headers: { 'x-forwarded-for': '9.9.9.9' } }
  const seen = JSON.parse((await kept.get('/', forwarded)).body).headers
  assert.is(seen['x-forwarded-for'], '9.9.9.9, 127.0.0.1')
  const dropped = await start('rules: [{ paths: [{ backend: echo }] }]')
  const alone = JSON.parse((await dropped.get('/', forwarded)).body).headers
  assert.is(alone['x-forwarded-for'], '127.0.0.1')
})

test('a route may have a pool of servers of its own', async () => {
  const { get, gateway, write, dir } = await start(`
rules:
  - paths:
      - pathPrefix: /pool/
        rewriteTarget: /
        backendPool: { servers: [{ url: @upstream }] }
      - { backend: mock }`)
  assert.is(JSON.parse((await get('/pool/x')).body).url, '/x')
  assert.is((await get('/')).body, 'mock')
  assert.is(gateway.control.status().length, 3)
  const { readFile } = await import('node:fs/promises')
  const yaml = await readFile(`${dir}/gateway.yaml`, 'utf8')
  await write('gateway.yaml', yaml.replace('/pool/', '/pond/'))
  await gateway.reload()
  assert.is(JSON.parse((await get('/pond/y')).body).url, '/y')
  assert.is((await get('/pool/x')).body, 'mock')
})

test('the radix tree takes the most exact path, with its parameters', async () => {
  const { get } = await start(`
routerKind: RadixTree
rules:
  - paths:
      - { path: "/users/*", rewriteTarget: "/wild/{EG_WILDCARD}", backend: echo }
      - { path: "/users/{name}", rewriteTarget: "/name/{name}", setHeaders: { X-Name: $name }, backend: echo }
      - { path: "/users/{id:[0-9]+}", rewriteTarget: "/id/{id}", backend: echo }
      - { path: /users/me, rewriteTarget: /exact, backend: echo }
      - { path: "/users/{id}/files/{file}.{ext}", rewriteTarget: "/{ext}/{id}/{file}", backend: echo }
      - { path: /only-get, methods: [GET], backend: echo }`)
  const asked = async (path: string): Promise<string> => JSON.parse((await get(path)).body).url
  assert.is(await asked('/users/me'), '/exact')
  assert.is(await asked('/users/42'), '/id/42')
  assert.is(await asked('/users/ann'), '/name/ann')
  assert.is(await asked('/users/7/files/a.b.txt'), '/b.txt/7/a')
  assert.is(await asked('/users/7/other/path'), '/wild/7/other/path')
  assert.is(JSON.parse((await get('/users/ann')).body).headers['x-name'], 'ann')
  assert.is((await get('/only-get', { method: 'POST' })).status, 405)
  assert.is((await get('/nowhere')).status, 404)
})

test('remembered routes are those that do not depend on more than host, method and path', async () => {
  const { get } = await start(`
cacheSize: 2
rules:
  - host: one.example
    paths: [{ path: /a, backend: mock }]
  - paths:
      - { path: /b, headers: [{ key: X-V, values: ["2"] }], backend: echo }
      - { path: /b, backend: mock }
      - { path: /c, methods: [GET], backend: mock }`)
  const twice = async (path: string, init: Parameters<typeof get>[1] = {}): Promise<number[]> => [
    (await get(path, init)).status,
    (await get(path, init)).status,
  ]
  assert.equal(await twice('/a', { headers: { host: 'one.example' } }), [200, 200])
  assert.equal(await twice('/a', { headers: { host: 'two.example' } }), [404, 404])
  assert.equal(await twice('/c', { method: 'POST' }), [405, 405])
  assert.equal(await twice('/c'), [200, 200])
  // The second route of /b must not hide the first.
  assert.is((await get('/b')).body, 'mock')
  assert.is(JSON.parse((await get('/b', { headers: { 'x-v': '2' } })).body).url, '/b')
  assert.is((await get('/b')).body, 'mock')
})

test('the access log has the line the configuration asks for', async () => {
  const { get, lines } = await start(`
accessLogFormat: "[{{RemoteAddr}} {{RealIP}} {{Method}} {{URI}} {{Proto}} {{StatusCode}}] [{{Duration}} rx:{{ReqSize}}B tx:{{RespSize}}B] [{{Tags}}] {{ReqHeaders}} | {{RespHeaders}} {{Time}}"
rules: [{ paths: [{ backend: mock }] }]`)
  await get('/x?a=%0a', {
    method: 'POST',
    body: '12345',
    headers: { 'x-evil': 'a\tb', authorization: 'Bearer secret', connection: 'close' },
  })
  const line = lines.find((text) => text.startsWith('[127')) ?? ''
  assert.match(
    line.replace(/[\d.]+(?:µs|ms|s)\b/g, 'T'),
    /^\[127\.0\.0\.1 127\.0\.0\.1 POST \/x\?a=%0a HTTP\/1\.1 200\] \[T rx:5B tx:4B\] \[pipeline\(mock\): mock\(mocked,T\)\] /,
  )
  assert.match(line, 'x-evil: [a\\u0009b]')
  assert.match(line, 'authorization: [***]')
  assert.not.match(line, 'secret')
})

test('a change of routes, filters and limits keeps the listener and its connections', async () => {
  const { Agent } = await import('node:http')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  cleanup.add(() => agent.destroy())
  const { get, gateway, write, dir, port } = await start(
    'rules: [{ paths: [{ path: /a, backend: mock }] }]',
  )
  assert.is((await get('/a', { agent })).status, 200)
  const { readFile } = await import('node:fs/promises')
  const yaml = await readFile(`${dir}/gateway.yaml`, 'utf8')
  await write(
    'gateway.yaml',
    yaml.replace(
      'rules: [{ paths: [{ path: /a, backend: mock }] }]',
      'cacheSize: 10\nclientMaxBodySize: 3\nipFilter: { allowIPs: [127.0.0.1] }\nrules: [{ paths: [{ path: /b, backend: mock }] }]',
    ),
  )
  await gateway.reload()
  assert.is((await get('/a', { agent })).status, 404)
  assert.is((await get('/b', { agent })).status, 200)
  assert.is((await get('/b', { agent, method: 'POST', body: '1234' })).status, 413)
  assert.is(gateway.portOf('server'), port)
})
