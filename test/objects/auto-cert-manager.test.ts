import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import type { AutoCertManagerSpec } from '../../host/objects/auto-cert-manager-spec.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { Cleanup, startGateway } from '../support/gateway.ts'
import { authority } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('objects/auto-cert-manager')

function validate(text: string): ReturnType<typeof validateSources> {
  return validateSources({
    sources: [{ file: 'x.yaml', baseDir: '/', text }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
    lookups: { env: {}, readFile: null },
  })
}

/** As `line:column: error: …`. */
function problemsOf(text: string): string[] {
  return validate(text).issues.map((issue) => formatIssue(issue).replace('x.yaml:', ''))
}

function managerWith(fields: string): string {
  return `kind: AutoCertManager\nname: certs\nemail: me@example.com\n${fields}\n`
}

const FILES =
  'name the files that an ACME client with DNS-01 renews, such as certbot, in `tls.certificates` of the HTTPServer: a change of them is taken over by itself'

test('a manager of Easegress loads with its defaults; host names are lowercase', () => {
  const { objects, issues } = validate(managerWith('domains: [{ name: WWW.Example.com }]'))
  assert.equal(issues, [])
  const spec = objects[0]?.spec as AutoCertManagerSpec
  assert.is(spec.directoryURL, 'https://acme-v02.api.letsencrypt.org/directory')
  assert.is(spec.renewBefore, 720 * 3_600_000)
  assert.equal([spec.enableHTTP01, spec.enableTLSALPN01, spec.enableDNS01], [true, true, true])
  assert.is(spec.domains[0]?.name, 'www.example.com')
})

test('what is missing or no address, name or time is named with its place', () => {
  assert.equal(problemsOf('kind: AutoCertManager\nname: certs\n'), [
    '1:1: error: `email` is missing',
    '1:1: error: `domains` is missing',
  ])
  const text = `email: me
directoryURL: http://ca.test/directory
caCertBase64: nothing
renewBefore: 0s
domains:
  - name: exa_mple.com
  - name: 192.0.2.1
  - name: "*"
  - name: ok.example.com
  - name: OK.example.com`
  assert.equal(problemsOf(`kind: AutoCertManager\nname: certs\n${text}\n`), [
    '3:8: error: `email` takes an e-mail address, not "me"',
    '4:15: error: `directoryURL` takes an address that begins with "https://", not "http://ca.test/directory"',
    '5:15: error: the authorities cannot be used: it is not PEM in base64',
    '6:14: error: `renewBefore` takes a time that is longer than 0',
    '8:11: error: `name` takes a host name such as "www.example.com", not "exa_mple.com"',
    '9:11: error: `name` takes a host name such as "www.example.com", not "192.0.2.1"',
    '10:11: error: `name` takes a host name such as "www.example.com", not "*"',
    '12:11: error: "OK.example.com" is in line 11 already',
  ])
  assert.match(problemsOf(managerWith('domains: []'))[0] ?? '', /^4:10: error: `domains` /)
})

test('the authorities of a directory are PEM, or PEM in base64', () => {
  for (const written of [
    JSON.stringify(authority('ca')),
    Buffer.from(authority('ca')).toString('base64'),
  ]) {
    assert.equal(
      problemsOf(managerWith(`caCertBase64: ${written}\ndomains: [{ name: a.test }]`)),
      [],
    )
  }
})

test('what only DNS-01 could do is an error that says what to do', () => {
  const text = `domains:
  - name: a.example.com
    dnsProvider: { name: cloudflare, zone: example.com, apiToken: secret }
  - name: "*.example.com"`
  assert.equal(problemsOf(managerWith(text)), [
    `6:5: error: \`dnsProvider\` ("cloudflare") is for DNS-01, which is not supported yet: leave it out where port 80 or 443 of the domain leads here, or ${FILES}`,
    `7:11: error: a wildcard is only ever checked by DNS-01, which is not supported yet: list each host by its name, or ${FILES}`,
  ])
  const off = 'enableHTTP01: false\nenableTLSALPN01: false\ndomains: [{ name: a.test }]'
  assert.equal(problemsOf(managerWith(off)), [
    `5:18: error: at least one of \`enableHTTP01\` and \`enableTLSALPN01\` must be on, as DNS-01 is not supported yet: turn one on, or ${FILES}`,
  ])
})

test('there is one manager in a configuration', () => {
  const one = managerWith('domains: [{ name: a.test }]')
  assert.equal(problemsOf(`${one}---\n${one.replace('name: certs', 'name: more')}`), [
    '7:7: error: there is an AutoCertManager already, "certs": one has the domains of all servers',
  ])
})

const SERVER = `kind: HTTPServer
name: server
port: 0
https: true
autoCert: true
`

test('a server with autoCert needs a manager, and warns where it needs https', () => {
  assert.equal(problemsOf(SERVER), [
    '5:11: error: `autoCert` needs an AutoCertManager, and there is none',
  ])
  assert.equal(problemsOf(`${SERVER}---\n${managerWith('domains: [{ name: a.test }]')}`), [])
  assert.equal(problemsOf(SERVER.replace('https: true\n', '')), [
    '4:11: warning: `autoCert` does nothing without `https`',
  ])
})

test('a manager that servers need cannot be deleted', async () => {
  const cleanup = new Cleanup()
  try {
    const { gateway } = await startGateway(
      cleanup,
      'kind: Pipeline\nname: main\nfilters: [{ name: mock, kind: Mock }]\n',
      {},
      { watch: false },
    )
    // Where nothing listens: no test asks an authority.
    const directoryURL = 'https://127.0.0.1:1/directory'
    const manager = { kind: 'AutoCertManager', name: 'certs', email: 'me@example.com' }
    const domains = [{ name: 'a.test' }]
    const server = { kind: 'HTTPServer', name: 'server', address: '127.0.0.1', port: 0 }
    await gateway.control.put(
      [
        { ...manager, directoryURL, domains },
        { ...server, https: true, autoCert: true },
      ],
      'create',
    )
    const refused = await gateway.control.delete('certs').catch((error: unknown) => error)
    assert.match(String(refused), /`autoCert` needs an AutoCertManager, and there is none/)
    await gateway.control.delete('server')
    await gateway.control.delete('certs')
  } finally {
    await cleanup.run()
  }
})
