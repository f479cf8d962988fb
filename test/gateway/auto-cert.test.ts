import { startAcmeServer } from '../support/acme-server.ts'
import { Cleanup, fetchFrom, startGateway, until } from '../support/gateway.ts'
import { authority, base64 } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/auto-cert')

let cleanup: Cleanup

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

function yamlOf(directoryURL: string): string {
  return `kind: AutoCertManager
name: certificates
email: me@example.com
directoryURL: ${directoryURL}
caCertBase64: ${base64(authority('ca'))}
domains: [{ name: localhost }]
---
kind: HTTPServer
name: server
address: 127.0.0.1
port: 0
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: HTTPServer
name: closed
address: 127.0.0.1
port: 0
ipFilter: { blockByDefault: true }
rules: []
---
kind: Pipeline
name: main
filters: [{ name: mock, kind: Mock, rules: [{ body: routed }] }]
`
}

test('every server answers a check that is under way, and routes whatever else is asked', async () => {
  const acme = await startAcmeServer(cleanup)
  const answers: string[] = []
  let gateway: Awaited<ReturnType<typeof startGateway>> | null = null
  const ask = async (server: string, path: string, method = 'GET'): Promise<void> => {
    const port = gateway?.gateway.portOf(server) ?? 0
    const answer = await fetchFrom(port, path, { method })
    const [first = ''] = answer.body.split('\n')
    answers.push(`${server} ${answer.status} ${first.replace(/\.[\w-]{43}$/, '.KEY')}`)
  }
  const prefix = '/.well-known/acme-challenge'
  const askAll = async (token: string): Promise<boolean> => {
    await ask('server', `${prefix}/${token}`)
    await ask('closed', `${prefix}/${token}`)
    await ask('server', `${prefix}/${token}`, 'POST')
    await ask('server', `${prefix}/other`)
    await ask('closed', `${prefix}/other`)
    return false
  }
  acme.onCheck = async (token) => {
    await until(() => gateway !== null, 'the gateway runs')
    return askAll(token)
  }
  gateway = await startGateway(cleanup, yamlOf(acme.directoryURL), {}, { watch: false })
  const { control } = gateway.gateway
  await until(() => {
    const detail = control.statusOf('certificates')?.detail as
      | { domains: { error: string | null }[] }
      | undefined
    return (detail?.domains[0]?.error ?? null) !== null
  }, 'the order is over')
  assert.equal(answers, [
    'server 200 a-token-of-the-test.KEY',
    'closed 200 a-token-of-the-test.KEY',
    'server 200 routed',
    'server 200 routed',
    'closed 403 403 Forbidden',
  ])
  answers.length = 0
  await askAll('a-token-of-the-test')
  assert.equal(answers.slice(0, 2), ['server 200 routed', 'closed 403 403 Forbidden'])
})
