import { isJsonObject, type JsonObject } from '../config/json.ts'
import { duration, objectFields, wants, z } from '../config/schema.ts'
import { certificateProblem, NOT_PEM, pemOf } from '../http/tls/certificate.ts'
import { type CheckContext, defineObject, type SpecOf } from './object.ts'

/** Where certificates come from when the configuration does not say. */
export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

/** What to do where DNS-01 would be needed. */
const WITHOUT_DNS =
  'name the files that an ACME client with DNS-01 renews, such as certbot, in `tls.certificates` of the HTTPServer: a change of them is taken over by itself'

/** A host name of letters, digits and hyphens (RFC 5890, section 2.3.1), with `*.` before it or not. */
const DOMAIN =
  /^(?:\*\.)?(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

function domainName() {
  return z.string().transform((written, context) => {
    const domain = written.toLowerCase()
    // What ends in a number is an address, and no authority of the public signs one for a domain.
    if (DOMAIN.test(domain) && !/(?:^|\.)\d+$/.test(domain)) return domain
    context.addIssue({ code: 'custom', params: wants('a host name such as "www.example.com"') })
    return z.NEVER
  })
}

function email() {
  return z.string().superRefine((address, context) => {
    if (/^[^\s@,?]+@[^\s@,?]+$/.test(address)) return
    context.addIssue({ code: 'custom', params: wants('an e-mail address') })
  })
}

function httpsUrl() {
  return z.string().superRefine((url, context) => {
    if (URL.parse(url)?.protocol === 'https:') return
    context.addIssue({ code: 'custom', params: wants('an address that begins with "https://"') })
  })
}

const spec = z.strictObject({
  ...objectFields('AutoCertManager'),
  email: email().describe(
    'Where the authority writes when something is wrong; its account is in this name.',
  ),
  directoryURL: httpsUrl()
    .default(LETS_ENCRYPT)
    .describe(
      'The ACME directory of the authority. Whoever names one agrees to its terms of service.',
    ),
  caCertBase64: z
    .string()
    .default('')
    .describe(
      'Authorities that sign for the directory itself, PEM or PEM in base64, in place of those that come with Node: for a private one.',
    ),
  renewBefore: duration()
    .prefault('720h')
    .describe(
      'How long before its end a certificate is renewed, and not before half of its life is over.',
    ),
  enableHTTP01: z
    .boolean()
    .default(true)
    .describe('Let domains be checked over HTTP: port 80 of each must lead to an HTTPServer here.'),
  enableTLSALPN01: z
    .boolean()
    .default(true)
    .describe(
      'Let domains be checked by a handshake: port 443 of each must lead to an HTTPServer with `autoCert` here.',
    ),
  enableDNS01: z.boolean().default(true).describe('Accepted; DNS-01 is not supported yet.'),
  domains: z
    .array(
      z.strictObject({
        name: domainName().describe('A host name; each gets a certificate of its own.'),
        dnsProvider: z
          .record(z.string(), z.string())
          .optional()
          .describe('Not supported yet: it is for DNS-01.'),
      }),
    )
    .min(1)
    .describe('The domains to have certificates for.'),
})

/** AutoCertManager without its running part: the fields of its document and the rules they follow. */
export const autoCertManagerKind = defineObject({
  kind: 'AutoCertManager',
  description:
    'Gets certificates from an authority that speaks ACME, such as Let’s Encrypt, and renews them, for every HTTPServer with `autoCert`.',
  category: 'controller',
  example: `kind: AutoCertManager
name: certificates
email: admin@example.com
domains:
  - name: www.example.com
  - name: api.example.com
---
kind: HTTPServer
name: secure
port: 443
https: true
autoCert: true
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: HTTPServer
name: plain
port: 80
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
filters:
  - { name: mock, kind: Mock, rules: [{ body: hello }] }`,
  notes: [
    'DNS-01 is not supported yet, so there are no certificates for wildcards: `dnsProvider` and a wildcard are errors that say what to do.',
    'A request for `/.well-known/acme-challenge/` that asks for a check which is under way is answered by every HTTPServer, before its rules and IP filters. Any other is routed like every request; Easegress answers it with 503 or 404 and no route sees it.',
    'TLS-ALPN-01 is answered by servers with `autoCert`; in Easegress by every server with `https`.',
    'Certificates and the key of the account are kept in the data directory of the gateway, where Easegress keeps them in its cluster: each gateway orders for itself.',
    'A name that has no certificate yet is refused in the handshake.',
    'Orders that fail are repeated after 10 s by another kind of check, then after 10 min and twice as long each time, up to 6 h; a restart does not shorten that. What the authority says about coming again counts, up to 24 h.',
    'A domain of the status has `nextTryTime` and `error` beside `name` and `expireTime`; an `expireTime` that is null is one of a certificate that is not there yet. Easegress has no `caCertBase64`.',
  ],
  spec,
  check(data, context) {
    checkAlone(data, context)
    checkKinds(data, context)
    checkDomains(data['domains'], context)
    checkAuthority(data['caCertBase64'], context)
    if (data['renewBefore'] === 0 || /^(?:0[a-zµ]*)+$/.test(String(data['renewBefore']))) {
      const message = '`renewBefore` takes a time that is longer than 0'
      context.report({ path: ['renewBefore'], message })
    }
    return {}
  },
})

export type AutoCertManagerSpec = SpecOf<typeof autoCertManagerKind>

/** All servers share its certificates: of two, nobody could say which counts. */
function checkAlone(data: JsonObject, context: CheckContext): void {
  const names = context.namesOf('AutoCertManager')
  const other = names.find((name) => name !== data['name'])
  if (other === undefined || names.indexOf(String(data['name'])) === 0) return
  const message = `there is an AutoCertManager already, "${other}": one has the domains of all servers`
  context.report({ path: ['name'], message })
}

function checkKinds(data: JsonObject, context: CheckContext): void {
  if (data['enableHTTP01'] !== false || data['enableTLSALPN01'] !== false) return
  const message = `at least one of \`enableHTTP01\` and \`enableTLSALPN01\` must be on, as DNS-01 is not supported yet: turn one on, or ${WITHOUT_DNS}`
  context.report({ path: ['enableTLSALPN01'], message })
}

function checkDomains(domains: unknown, context: CheckContext): void {
  if (!Array.isArray(domains)) return
  const seen = new Map<string, number>()
  for (const [index, domain] of domains.entries()) {
    if (!isJsonObject(domain)) continue
    const { name, dnsProvider } = domain
    const path = ['domains', index]
    if (isJsonObject(dnsProvider) && Object.keys(dnsProvider).length > 0) {
      const provider = dnsProvider['name']
      const called = typeof provider === 'string' ? ` ("${provider}")` : ''
      const message = `\`dnsProvider\`${called} is for DNS-01, which is not supported yet: leave it out where port 80 or 443 of the domain leads here, or ${WITHOUT_DNS}`
      context.report({ path: [...path, 'dnsProvider'], at: 'key', message })
    } else if (typeof name === 'string' && name.startsWith('*.')) {
      const message = `a wildcard is only ever checked by DNS-01, which is not supported yet: list each host by its name, or ${WITHOUT_DNS}`
      context.report({ path: [...path, 'name'], message })
    }
    if (typeof name !== 'string') continue
    const former = seen.get(name.toLowerCase())
    if (former === undefined) seen.set(name.toLowerCase(), index)
    else {
      const place = context.placeOf(['domains', former, 'name'])
      context.report({ path: [...path, 'name'], message: `"${name}" is in ${place} already` })
    }
  }
}

function checkAuthority(written: unknown, context: CheckContext): void {
  if (typeof written !== 'string' || written === '') return
  const pem = pemOf(written)
  const problem = pem === null ? NOT_PEM : certificateProblem(pem)
  if (problem === null) return
  const message = `the authorities cannot be used: ${problem}`
  context.report({ path: ['caCertBase64'], message })
}
