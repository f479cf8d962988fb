import { fieldsOf } from '../../host/objects/reference/fields.ts'
import { type ReferenceKind, referenceKinds } from '../../host/objects/reference/kinds.ts'
import { assert, suite } from '../support/suite.ts'

/**
 * Every field of Easegress v2 for the kinds that are here, with its default: one that a schema loses, or
 * gives another default without a word, breaks a configuration that moves here. The lists are written
 * by hand, from Easegress's documentation and not from our schemas.
 *
 * A line is a path and a default as JSON; `required` for a field that must be there, `-` for one whose
 * absence means nothing is done.
 */
const test = suite('objects/easegress-fields')

const IP_FILTER = 'blockByDefault false, allowIPs [], blockIPs []'
const STRING_MATCHER = 'exact "", prefix "", regex "", empty false'
const TEMPLATE = 'template "", leftDelim "", rightDelim ""'
const HEADER_CHANGE = 'header -, header.del [], header.set -, header.add -'
const SERVERS = 'url required, tags [], weight -, keepHost false'
const MATCHER = `policy "general", headerHashKey "", permil 0, headers -, matchAllHeaders false, urls [],
  urls[].methods [], urls[].url required, ${under('urls[].url', STRING_MATCHER)}, ${under('headers.*', STRING_MATCHER)}`
const LOAD_BALANCE = `policy "roundRobin", headerHashKey "", forwardKey "", stickySession -,
  stickySession.mode required, stickySession.appCookieName "", stickySession.lbCookieName "EG_SESSION",
  stickySession.lbCookieExpire "2h"`
const HEALTH_CHECK = `interval "60s", timeout "3s", fails 1, port 0, uri "", method "GET", headers -, body "",
  username "", password "", match -, match.statusCodes [[200,399]], match.headers [],
  match.headers[].name required, match.headers[].value required, match.headers[].type "exact", match.body -,
  match.body.value required, match.body.type "contains"`
const SIGNER = `literal -, literal.scopeSuffix "request", literal.algorithmName "X-Algorithm",
  literal.algorithmValue "HMAC-SHA256", literal.signedHeaders "X-SignedHeaders",
  literal.signature "X-Signature", literal.date "X-Date", literal.expires "X-Expires",
  literal.credential "X-Credential", literal.contentSha256 "X-Content-Sha256", literal.signingKeyPrefix "",
  excludeBody false, ttl 0, accessKeys -, accessKeyId "", accessKeySecret "", ignoredHeaders [],
  headerHoisting -, headerHoisting.allowedPrefix [], headerHoisting.disallowedPrefix [],
  headerHoisting.disallowed []`
const OBJECT = 'name required, kind required, version -, labels -, createdAt -'
const POOL = `spanName "", serverTags [], servers [], ${under('servers[]', SERVERS)}, serviceName "",
  serviceRegistry "", loadBalance -, ${under('loadBalance', LOAD_BALANCE)}, filter -, ${under('filter', MATCHER)},
  timeout "0s", retryPolicy "", circuitBreakerPolicy "", failureCodes [], healthCheck -,
  ${under('healthCheck', HEALTH_CHECK)}, setUpstreamHost false, serverMaxBodySize -, memoryCache -,
  memoryCache.expiration required, memoryCache.maxEntryBytes required, memoryCache.codes required,
  memoryCache.methods required`

const FIELDS: Readonly<Record<string, string>> = {
  HTTPServer: `${OBJECT}, address "", port required, http3 -, https false, keepAlive true,
    keepAliveTimeout "60s", maxConnections 10240, cacheSize 0, xForwardedFor false, certBase64 "", keyBase64 "",
    certs -, keys -, caCertBase64 "", autoCert false, ipFilter -, ${under('ipFilter', IP_FILTER)},
    routerKind "Ordered", clientMaxBodySize 0, globalFilter "", accessLogFormat "",
    tracing -, tracing.serviceName required, tracing.attributes -, tracing.tags -, tracing.sampleRate 1,
    tracing.headerFormat "trace-context", tracing.exporter -, tracing.exporter.jaeger -,
    tracing.exporter.zipkin -, tracing.exporter.zipkin.endpoint required, tracing.exporter.otlp -,
    tracing.exporter.otlp.protocol "http", tracing.exporter.otlp.endpoint required,
    tracing.exporter.otlp.insecure false, tracing.exporter.otlp.compression "", tracing.zipkin -,
    tracing.zipkin.hostport -, tracing.zipkin.serverURL required, tracing.zipkin.disableReport -,
    tracing.zipkin.sampleRate required, tracing.zipkin.sameSpan -, tracing.zipkin.id128Bit -,
    tracing.spanLimits -, tracing.spanLimits.attributeValueLengthLimit -1,
    tracing.spanLimits.attributeCountLimit 128, tracing.spanLimits.eventCountLimit 128,
    tracing.spanLimits.linkCountLimit 128, tracing.spanLimits.attributePerEventCountLimit 128,
    tracing.spanLimits.attributePerLinkCountLimit 128, tracing.batchLimits -,
    tracing.batchLimits.maxQueueSize 2048, tracing.batchLimits.batchTimeout 5000,
    tracing.batchLimits.exportTimeout 30000, tracing.batchLimits.maxExportBatchSize 512,
    rules [], rules[].ipFilter -, ${under('rules[].ipFilter', IP_FILTER)}, rules[].host "",
    rules[].hostRegexp "", rules[].hosts [], rules[].hosts[].value required, rules[].hosts[].isRegexp false,
    rules[].paths [], rules[].paths[].path "", rules[].paths[].pathPrefix "", rules[].paths[].pathRegexp "",
    rules[].paths[].rewriteTarget "", rules[].paths[].methods [], rules[].paths[].headers [],
    rules[].paths[].headers[].key required, rules[].paths[].headers[].values [],
    rules[].paths[].headers[].regexp "", rules[].paths[].matchAllHeader false, rules[].paths[].queries [],
    rules[].paths[].queries[].key required, rules[].paths[].queries[].values [],
    rules[].paths[].queries[].regexp "", rules[].paths[].matchAllQuery false, rules[].paths[].backend "",
    rules[].paths[].backendPool -, rules[].paths[].clientMaxBodySize 0, rules[].paths[].ipFilter -,
    ${under('rules[].paths[].ipFilter', IP_FILTER)}, rules[].paths[].setHeaders -`,
  AutoCertManager: `${OBJECT}, email required,
    directoryURL "https://acme-v02.api.letsencrypt.org/directory", renewBefore "720h", enableHTTP01 true,
    enableTLSALPN01 true, enableDNS01 true, domains required, domains[].name required,
    domains[].dnsProvider -`,
  Pipeline: `${OBJECT}, flow [], flow[].filter -, flow[].alias -, flow[].namespace -, flow[].jumpIf -,
    filters required, resilience [], data -`,
  GlobalFilter: `${OBJECT}, beforePipeline -, afterPipeline -, fallthrough -,
    fallthrough.beforePipeline false, fallthrough.pipeline false`,
  ConsulServiceRegistry: `${OBJECT}, address "127.0.0.1:8500", scheme "http", datacenter "", token "",
    namespace "", syncInterval "10s", serviceTags []`,
  EtcdServiceRegistry: `${OBJECT}, endpoints required, prefix "/services/", cacheTimeout "10s"`,
  EurekaServiceRegistry: `${OBJECT}, endpoints ["http://127.0.0.1:8761/eureka"], syncInterval "10s"`,
  NacosServiceRegistry: `${OBJECT}, servers required, servers[].ipAddr required, servers[].port required,
    servers[].scheme "http", servers[].contextPath "/nacos", syncInterval "10s", namespace "", username "",
    password ""`,
  ZookeeperServiceRegistry: `${OBJECT}, zkservices ["127.0.0.1:2181"], conntimeout "6s", prefix "/",
    syncInterval "10s"`,
  Proxy: `pools required, ${under('pools[]', POOL)}, mirrorPool -, compression -, compression.minLength 0,
    mtls -, mtls.certBase64 "", mtls.keyBase64 "", mtls.rootCertBase64 "", mtls.insecureSkipVerify false,
    maxIdleConns -, maxIdleConnsPerHost -, maxRedirection 0, serverMaxBodySize 0`,
  WebSocketProxy: `defaultOrigin "", pools required, pools[].servers -, ${under('pools[].servers[]', SERVERS)},
    pools[].serverTags [], pools[].serviceName "", pools[].serviceRegistry "", pools[].loadBalance -,
    ${under('pools[].loadBalance', LOAD_BALANCE)}, pools[].filter -, ${under('pools[].filter', MATCHER)},
    pools[].healthCheck -, pools[].healthCheck.http -,
    pools[].healthCheck.ws -, pools[].clientMaxMsgSize 0, pools[].serverMaxMsgSize 0,
    pools[].insecureSkipVerify false, pools[].originPatterns [], pools[].setUpstreamHost false,
    pools[].spanName ""`,
  CORSAdaptor: `allowedOrigins [], allowedMethods [], allowedHeaders [], allowCredentials false,
    exposedHeaders [], maxAge 0`,
  Fallback: 'mockCode required, mockHeaders -, mockBody ""',
  Mock: `rules -, rules[].match -, rules[].match.path "", rules[].match.pathPrefix "",
    rules[].match.matchAllHeaders false, rules[].match.headers -,
    ${under('rules[].match.headers.*', STRING_MATCHER)}, rules[].code 200, rules[].headers -, rules[].body "",
    rules[].delay 0`,
  RemoteFilter: 'url required, timeout "0s"',
  RequestAdaptor: `method "", path -, path.replace -, path.addPrefix -, path.trimPrefix -, path.regexpReplace -,
    path.regexpReplace.regexp required, path.regexpReplace.replace required, ${HEADER_CHANGE}, body -, host "",
    compress "", decompress "", sign -, ${under('sign', SIGNER)}, sign.apiProvider "", sign.scopes [],
    ${TEMPLATE}`,
  ResponseAdaptor: `${HEADER_CHANGE}, body -, compress "", decompress "", ${TEMPLATE}`,
  RequestBuilder: `protocol "http", sourceNamespace "", ${TEMPLATE}`,
  ResponseBuilder: `protocol "http", sourceNamespace "", ${TEMPLATE}`,
  DataBuilder: `dataKey required, ${TEMPLATE}`,
  ResultBuilder: TEMPLATE,
  RateLimiter: `policies required, policies[].name required, policies[].timeoutDuration "100ms",
    policies[].limitRefreshPeriod "10ms", policies[].limitForPeriod 50, defaultPolicyRef "", urls required,
    urls[].methods [], urls[].url required, ${under('urls[].url', STRING_MATCHER)}, urls[].policyRef ""`,
  Validator: `headers -, headers.*.values [], headers.*.regexp "", jwt -, jwt.cookieName "",
    jwt.algorithm required, jwt.secret "", jwt.publicKey "", signature -, ${under('signature', SIGNER)},
    oauth2 -, oauth2.tokenIntrospect -, oauth2.tokenIntrospect.endPoint required,
    oauth2.tokenIntrospect.clientId "", oauth2.tokenIntrospect.clientSecret "",
    oauth2.tokenIntrospect.basicAuth "", oauth2.tokenIntrospect.insecureTls false, oauth2.jwt -,
    oauth2.jwt.algorithm required, oauth2.jwt.secret "", basicAuth -, basicAuth.mode "FILE",
    basicAuth.userFile "", basicAuth.etcdPrefix -, basicAuth.ldap -`,
  Redirector: 'match required, matchPart "uri", replacement required, statusCode 301',
  RedirectorV2: `scheme -, hostname -, port -, statusCode 302, path -, path.type required,
    path.replacePrefixMatch -, path.replaceFullPath -`,
  HeaderToJSON: 'headerMap required, headerMap[].header required, headerMap[].json required',
  CertExtractor: 'certIndex required, target required, field required, headerKey -',
  WasmHost: 'code -, maxConcurrency 10, timeout "100ms", parameters -',
  Retry: 'maxAttempts 3, waitDuration "500ms", backOffPolicy "random", randomizationFactor 0',
  CircuitBreaker: `slidingWindowType "COUNT_BASED", failureRateThreshold 50, slowCallRateThreshold 100,
    slowCallDurationThreshold "1m", slidingWindowSize 100, permittedNumberOfCallsInHalfOpenState 10,
    minimumNumberOfCalls 100, maxWaitDurationInHalfOpenState 0, waitDurationInOpenState "60s"`,
}

/** Defaults that differ on purpose, with what the notes of the kind must say about it; null when it has no effect. */
const DIFFERENT: Readonly<Record<string, readonly [value: string, note: RegExp | null]>> = {
  'Proxy.pools[].timeout': ['"15s"', /`timeout` is 15 s/],
  'RequestAdaptor.sign.ttl': ['"15m"', null],
  'Validator.signature.ttl': ['"15m"', /`signature\.ttl` is 15 minutes/],
}

const RESULTS: Readonly<Record<string, string>> = {
  Proxy: 'internalError clientError serverError failureCode timeout shortCircuited',
  WebSocketProxy: 'internalError clientError',
  CORSAdaptor: 'preflighted rejected',
  Fallback: 'fallback responseNotFound',
  Mock: 'mocked',
  RemoteFilter: 'failed responseAlready',
  RequestAdaptor: 'decompressFailed compressFailed',
  ResponseAdaptor: 'responseNotFound decompressFailed compressFailed',
  RequestBuilder: 'buildErr',
  ResponseBuilder: 'buildErr',
  DataBuilder: 'buildErr',
  ResultBuilder:
    'unknown buildErr result0 result1 result2 result3 result4 result5 result6 result7 result8 result9',
  RateLimiter: 'rateLimited',
  Validator: 'invalid',
  Redirector: 'redirected',
  RedirectorV2: 'redirected',
  HeaderToJSON: 'jsonEncodeDecodeErr bodyReadErr',
  CertExtractor: '',
  WasmHost:
    'outOfVM wasmError wasmResult1 wasmResult2 wasmResult3 wasmResult4 wasmResult5 wasmResult6 wasmResult7 wasmResult8 wasmResult9',
}

/** Results that Easegress does not list, and why a filter here has them. */
const MORE_RESULTS: Readonly<Record<string, readonly string[]>> = {
  // Easegress returns it without listing it.
  RequestAdaptor: ['signFailed', 'buildErr'],
  // Its template may fail.
  ResponseAdaptor: ['buildErr'],
  // A guest of ours may answer by itself.
  WasmHost: ['replied'],
}

const kinds: ReadonlyMap<string, ReferenceKind> = new Map(
  referenceKinds().map((one) => [one.kind, one]),
)

for (const [kind, lines] of Object.entries(FIELDS)) {
  test(`${kind} has every field of Easegress, with its default`, () => {
    const reference = kinds.get(kind) as ReferenceKind
    const own = new Map(fieldsOf(reference).map((field) => [field.path, field]))
    for (const [path, wanted] of entriesOf(lines)) {
      const field = own.get(path)
      assert.ok(field !== undefined, `${kind}.${path} is missing`)
      const value = field.isRequired ? 'required' : (field.default ?? '-')
      const different = DIFFERENT[`${kind}.${path}`]
      assert.is(value, different?.[0] ?? wanted, `the default of ${kind}.${path}`)
      const note = different?.[1] ?? null
      if (note !== null) assert.match(reference.notes.join('\n'), note)
    }
  })
}

test('every filter has the results of Easegress, and says which it has beside them', () => {
  for (const [kind, names] of Object.entries(RESULTS)) {
    const wanted = [
      ...names.split(' ').filter((name) => name !== ''),
      ...(MORE_RESULTS[kind] ?? []),
    ]
    assert.equal([...(kinds.get(kind)?.results ?? [])].sort(), wanted.sort(), kind)
  }
})

test('every kind there is, is compared', () => {
  assert.equal([...kinds.keys()].sort(), Object.keys(FIELDS).sort())
  const filters = [...kinds.values()].filter(({ results }) => results !== null)
  assert.equal(filters.map(({ kind }) => kind).sort(), Object.keys(RESULTS).sort())
})

/** The entries of a list, with the path of what they stand in before each. */
function under(path: string, lines: string): string {
  return entriesOf(lines)
    .map(([name, value]) => `${path}.${name} ${value}`)
    .join(', ')
}

function entriesOf(lines: string): [path: string, value: string][] {
  return lines.split(/,\s+/).map((entry) => {
    const at = entry.indexOf(' ')
    return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()]
  })
}
