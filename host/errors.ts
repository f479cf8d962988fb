/** Who caused a failure; decides log level, metric label and the class of status a client sees. */
export type Fault = 'config' | 'client' | 'upstream' | 'guest' | 'host'

export interface ErrorSpec<P> {
  readonly fault: Fault
  /** The HTTP status a client or an API caller gets. */
  readonly status: number
  /** Lowercase, no full stop; names the object and the value seen. */
  readonly message: (params: P) => string
  /** What to do about it. */
  readonly hint: string
}

const spec = <P>(
  fault: Fault,
  status: number,
  message: (params: P) => string,
  hint: string,
): ErrorSpec<P> => ({ fault, status, message, hint })

/** Every error Penstock raises on purpose, sorted by area. Match on the code, never on the class. */
export const ERRORS = {
  ACME_STORE: spec(
    'config',
    422,
    (p: { path: string; reason: string }) =>
      `certificates cannot be kept: ${p.path} cannot be used: ${p.reason}`,
    'The data directory must be writable: a certificate that is not kept would be ordered at each start.',
  ),
  ADMIN_APPLY_FAILED: spec(
    'config',
    422,
    (p: { names: string }) => `nothing was changed: ${p.names} could not start`,
    'The issues say why; mend that and send the same again.',
  ),
  ADMIN_BODY_INVALID: spec(
    'client',
    400,
    (p: { reason: string }) => `the body cannot be used: ${p.reason}`,
    'Send one JSON or YAML document with the fields kind and name, in UTF-8.',
  ),
  ADMIN_BODY_TOO_LARGE: spec(
    'client',
    413,
    (p: { limit: number }) => `the body is larger than ${p.limit} bytes`,
    'Send it in several requests.',
  ),
  ADMIN_CALLER: spec(
    'client',
    400,
    (p: { header: string }) => `the header ${p.header} does not hold a name`,
    'Send at most 64 letters, digits and . _ @ + - in it, or leave it out.',
  ),
  ADMIN_CONFLICT: spec('config', 409, (p: { message: string }) => p.message, 'See the message.'),
  ADMIN_FORBIDDEN: spec(
    'client',
    403,
    (p: { header: string; value: string }) => `${p.header} "${p.value}" is not a name of this API`,
    'Use http://127.0.0.1:PORT or http://localhost:PORT, or allow the name with --admin-host.',
  ),
  ADMIN_INTERNAL: spec(
    'host',
    500,
    (p: { requestId: string }) =>
      `an error of the gateway, logged with the request id ${p.requestId}`,
    'Look for the request id in the log of the gateway.',
  ),
  ADMIN_MEDIA_TYPE: spec(
    'client',
    415,
    (p: { seen: string; allowed: string }) =>
      `the content type ${p.seen} is not taken here, only ${p.allowed}`,
    'Set the Content-Type header to what the body is.',
  ),
  ADMIN_METHOD: spec(
    'client',
    405,
    (p: { method: string; path: string; allowed: string }) =>
      `${p.method} is not allowed on ${p.path}, only ${p.allowed}`,
    'GET /apis/v2 lists every method and path.',
  ),
  ADMIN_NOT_FOUND: spec(
    'client',
    404,
    (p: { what: string }) => `there is no ${p.what}`,
    'GET /apis/v2 lists the paths, GET /apis/v2/objects the objects.',
  ),
  ADMIN_RATE_LIMITED: spec(
    'client',
    429,
    (p: { seconds: number }) => `too many wrong tokens; the next try is free in ${p.seconds} s`,
    'Send the token of DATA-DIR/admin.token; the right one is taken at any time.',
  ),
  ADMIN_TOKEN_FILE: spec(
    'config',
    500,
    (p: { path: string; reason: string }) => `the token file ${p.path} cannot be used: ${p.reason}`,
    'Only its owner may read it (chmod 600); remove it and a new one is made at the next start.',
  ),
  ADMIN_UNAUTHORIZED: spec(
    'client',
    401,
    (_: Record<string, never>) => 'the token is missing or wrong',
    'Send "Authorization: Bearer TOKEN" with the token of DATA-DIR/admin.token.',
  ),

  CLI_FILE: spec(
    'config',
    500,
    (p: { path: string; reason: string }) => `cannot read ${p.path}: ${p.reason}`,
    'Check that the path exists and can be read.',
  ),
  CLI_NO_TESTS: spec(
    'config',
    404,
    (p: { dir: string }) => `there are no tests in ${p.dir}`,
    'A test file is called NAME.test.ts; "penstock new" makes a filter with one to start from.',
  ),
  CLI_REPLY: spec(
    'config',
    502,
    (p: { server: string; reason: string }) => `${p.server} is no Penstock admin API: ${p.reason}`,
    'Check --server or PENSTOCK_SERVER: it is the address of the admin API, not that of the traffic.',
  ),
  CLI_TOKEN_MISSING: spec(
    'client',
    401,
    (p: { path: string }) => `the admin API asks for a token and there is none in ${p.path}`,
    'Name the data directory of the gateway with --data-dir, or set PENSTOCK_TOKEN.',
  ),
  CLI_UNREACHABLE: spec(
    'config',
    503,
    (p: { server: string; reason: string }) =>
      `cannot reach the gateway at ${p.server}: ${p.reason}`,
    'Is it running? Start it with "penstock serve -f FILE", or name another one with --server.',
  ),
  CLI_USAGE: spec(
    'client',
    400,
    (p: { reason: string }) => p.reason,
    'Run "penstock help" for the commands, "penstock COMMAND --help" for examples.',
  ),

  CONFIG_INVALID: spec(
    'config',
    422,
    (p: { count: number }) => `${p.count} problem${p.count === 1 ? '' : 's'} in the configuration`,
    'Mend the problems listed; "penstock validate -f FILE" lists them again.',
  ),
  CONFIG_READ: spec(
    'config',
    500,
    (p: { path: string; reason: string }) => `cannot read ${p.path}: ${p.reason}`,
    'Check that the path exists and can be read.',
  ),
  CONFIG_REGEXP: spec(
    'config',
    422,
    (p: { pattern: string; reason: string }) =>
      `the regular expression "${p.pattern}" is not valid: ${p.reason}`,
    'Patterns are RE2 syntax: no look-around and no back-references.',
  ),

  DATA_LIMIT: spec(
    'client',
    422,
    (p: { namespace: string; limit: string }) =>
      `nothing was written: the data of ${p.namespace} would be past the limit ${p.limit}`,
    'Delete keys that are not needed, or store less; docs/plugin-data.md lists the limits.',
  ),

  DEV_NO_PLUGIN: spec(
    'config',
    422,
    (p: { folder: string }) => `there is no plugin in ${p.folder}`,
    'Name a folder with an index.ts, or one with plugins/NAME/index.ts.',
  ),

  GUEST_BENCH: spec(
    'guest',
    503,
    (p: { reason: string }) => `the plugin fails on the request it is measured with: ${p.reason}`,
    'Give it a request it serves with --request FILE, and its parameters with --parameter.',
  ),
  GUEST_CLOSED: spec(
    'guest',
    503,
    (p: { filter: string }) =>
      `the version of ${p.filter} that this request began on has been ended`,
    'Requests outlive their configuration by drainTimeout of the pipeline and 16 generations at most.',
  ),
  GUEST_CODE_READ: spec(
    'config',
    422,
    (p: { source: string; reason: string }) => `cannot read the code ${p.source}: ${p.reason}`,
    'Check the path; a relative path is resolved from the file the filter stands in.',
  ),
  GUEST_CPU: spec(
    'guest',
    503,
    (p: { plugin: string; ms: number }) =>
      `${p.plugin} has used the ${p.ms} ms of running time it may use in a second`,
    'Raise cpuPerSecond of the filter, or make the plugin faster.',
  ),
  GUEST_DESCRIPTION: spec(
    'guest',
    422,
    (p: { reason: string }) =>
      `the module's description (custom section "penstock") is wrong: ${p.reason}`,
    'Build it with "penstock build", which writes that section; sdk/ABI.md lists its fields.',
  ),
  GUEST_DIGEST: spec(
    'config',
    422,
    (p: { source: string; expected: string; seen: string }) =>
      `${p.source} is another module than the configuration wants: its sha256 is ${p.seen}, not ${p.expected}`,
    'If you trust the new module, write its digest into the field sha256; otherwise find out who changed it.',
  ),
  GUEST_FUEL: spec(
    'guest',
    503,
    (_: Record<string, never>) => 'the guest ran out of fuel',
    'Raise the fuel of the filter or look for a loop in the plugin.',
  ),
  GUEST_IMPORT_UNKNOWN: spec(
    'guest',
    422,
    (p: { names: string }) => `the module imports what this host does not have: ${p.names}`,
    'Build it with "penstock build", or check the ABI it was built for.',
  ),
  GUEST_EXPORT_MISSING: spec(
    'guest',
    422,
    (p: { names: string }) => `the module lacks the export ${p.names}`,
    'Build it with "penstock build"; sdk/ABI.md lists what a module exports.',
  ),
  GUEST_MODULE_INVALID: spec(
    'guest',
    422,
    (p: { offset: number; reason: string }) =>
      `not a WebAssembly module this host can run: ${p.reason} (offset 0x${p.offset.toString(16)})`,
    'Check that the file is complete and is a core WebAssembly module.',
  ),
  GUEST_MODULE_FEATURE: spec(
    'guest',
    422,
    (p: { offset: number; feature: string }) =>
      `the module uses ${p.feature}, which this host does not allow (offset 0x${p.offset.toString(16)})`,
    'Build it without that feature; docs/plugins-security.md lists what is allowed.',
  ),
  GUEST_MODULE_LIMIT: spec(
    'guest',
    422,
    (p: { offset: number; limit: string; value: number; maximum: number }) =>
      `the module is past the limit ${p.limit}: ${p.value}, at most ${p.maximum} (offset 0x${p.offset.toString(16)})`,
    'Make the module smaller, or raise that limit of the filter if you trust the module.',
  ),
  GUEST_PARAMETERS: spec(
    'config',
    422,
    (p: { problems: string }) => p.problems,
    'The plugin declares its parameters; its README lists them.',
  ),
  GUEST_QUEUE_FULL: spec(
    'guest',
    503,
    (p: { filter: string }) => `no instance of ${p.filter} was free in time`,
    'Raise maxConcurrency or queueTimeout, or make the plugin faster.',
  ),
  GUEST_REFUSED: spec(
    'guest',
    422,
    (p: { filter: string; reason: string }) =>
      `the new module of ${p.filter} is refused: ${p.reason}`,
    'The old module goes on. Mend the plugin and push it again.',
  ),
  GUEST_RESULT: spec(
    'guest',
    500,
    (p: { value: number }) => `the guest returned the unknown result ${p.value}`,
    'A guest returns 0 or the number of a result it declares.',
  ),
  GUEST_START: spec(
    'guest',
    422,
    (p: { reason: string }) => `the module failed while it started: ${p.reason}`,
    'Mend the plugin: its start or configure code trapped, refused or ran too long.',
  ),
  GUEST_SUSPENDED: spec(
    'guest',
    503,
    (p: { plugin: string }) => `${p.plugin} failed too often and is left alone for a while`,
    'The log says why it failed. Roll back, or mend the plugin and push it again.',
  ),
  GUEST_TIMEOUT: spec(
    'guest',
    503,
    (p: { ms: number }) => `the guest ran longer than ${p.ms} ms`,
    'Raise the timeout of the filter or look for a loop in the plugin.',
  ),
  GUEST_TRAPPED: spec(
    'guest',
    503,
    (p: { reason: string }) => `the guest trapped: ${p.reason}`,
    'Mend the plugin; the log line names the place where it failed.',
  ),
  GUEST_WRITE_REFUSED: spec(
    'guest',
    503,
    (p: { reason: string }) => `the guest wrote what may not be sent: ${p.reason}`,
    'Names and values follow the HTTP grammar; framing headers belong to the host.',
  ),

  HOST_CALL: spec(
    'config',
    500,
    (p: { name: string; reason: string }) => `the host function "${p.name}" cannot be: ${p.reason}`,
    'Mend what defineHostCall is given.',
  ),

  HTTP_CALLBACK: spec(
    'host',
    500,
    (p: { reason: string }) => `a connection was cut because its handling failed: ${p.reason}`,
    'This is a mistake in Penstock or in a filter of yours; please report the stack that comes with it.',
  ),
  HTTP_ENGINE: spec(
    'config',
    500,
    (p: { name: string; known: string }) =>
      `there is no HTTP engine "${p.name}"; there is ${p.known}`,
    'Name one of them with --http-engine.',
  ),

  INSPECT_BODY: spec(
    'client',
    409,
    (p: { id: string }) => `the body of ${p.id} was not recorded to its last byte`,
    'Bodies are recorded up to 64 KiB, and only as far as somebody read them.',
  ),
  INSPECT_BUSY: spec(
    'client',
    503,
    (p: { limit: number }) => `${p.limit} pages look on already`,
    'Close one of them.',
  ),
  INSPECT_NO_PLUGIN: spec(
    'client',
    422,
    (p: { id: string }) => `no step of ${p.id} is a plugin whose sources are here`,
    'Choose a step that is a plugin built from a folder with an index.ts.',
  ),
  INSPECT_NOT_FOUND: spec(
    'client',
    404,
    (p: { what: string }) => `there is no ${p.what}`,
    'The last 200 exchanges are kept; GET /apis/v2/inspect/exchanges lists them.',
  ),
  INSPECT_OFF: spec(
    'client',
    404,
    (_: Record<string, never>) => 'this gateway does not record requests',
    'Start it with "penstock dev".',
  ),
  INSPECT_REPLAY: spec(
    'upstream',
    502,
    (p: { reason: string }) => `the request could not be sent again: ${p.reason}`,
    'Check that the server still runs, and send a request of your own.',
  ),
  INSPECT_TEST_FILE: spec(
    'host',
    500,
    (p: { path: string; reason: string }) => `cannot write ${p.path}: ${p.reason}`,
    'Check that the folder can be written, or remove old recorded tests.',
  ),

  JWKS_FETCH: spec(
    'upstream',
    502,
    (p: { url: string; reason: string }) => `cannot get the keys at ${p.url}: ${p.reason}`,
    'Check that the URL answers a JSON Web Key Set (RFC 7517).',
  ),
  JWT_KEY: spec(
    'config',
    422,
    (p: { reason: string }) => p.reason,
    'A secret, or a public key in PEM, is written in hex, two digits a byte.',
  ),

  LISTEN: spec(
    'config',
    422,
    (p: { address: string; reason: string }) => `cannot listen on ${p.address}: ${p.reason}`,
    'Choose a free port, or stop the process that holds it.',
  ),

  NAMESPACE_EMPTY: spec(
    'config',
    503,
    (p: { namespace: string }) => `the namespace ${p.namespace} has no request yet`,
    'Put a RequestBuilder with this namespace before the filter.',
  ),

  OBJECT_NOT_FOUND: spec(
    'config',
    404,
    (p: { name: string }) => `there is no ${p.name.replace(/^the /, '')}`,
    '"penstock get" lists what there is.',
  ),
  OBJECT_START: spec(
    'config',
    422,
    (p: { name: string; reason: string }) => `${p.name} cannot start: ${p.reason}`,
    'Mend what the message names; what ran before goes on.',
  ),

  PLUGIN_CANARY: spec(
    'client',
    400,
    (p: { reason: string }) => p.reason,
    '"penstock plugin push --help" shows how a version is tried on a share of the clients.',
  ),
  PLUGIN_IN_USE: spec(
    'config',
    409,
    (p: { plugin: string; users: string }) => `${p.plugin} cannot be removed: ${p.users}`,
    'Promote another version, or change the filters that name this one, and try again.',
  ),
  PLUGIN_NO_CANARY: spec(
    'config',
    409,
    (p: { target: string }) => `${p.target} has no version on trial`,
    'Begin one with "penstock plugin push FILE --filter PIPELINE/FILTER --canary 5%".',
  ),
  PLUGIN_NO_PREVIOUS: spec(
    'config',
    409,
    (p: { filter: string }) => `${p.filter} has no earlier version to go back to`,
    '"penstock plugin ls" shows the versions that ran.',
  ),
  PLUGIN_PINNED: spec(
    'config',
    409,
    (p: { filter: string; plugin: string }) => `${p.filter} is pinned to ${p.plugin}`,
    'Change the field `plugin` of the filter; a pin is never changed for you.',
  ),
  PLUGIN_SOURCE_MAP: spec(
    'client',
    422,
    (p: { reason: string }) => `the source map cannot be used: ${p.reason}`,
    'Push the module with the map of the same build beside it; it runs without one too.',
  ),
  PLUGIN_UNKNOWN: spec(
    'config',
    422,
    (p: { plugin: string; near: string | null }) =>
      `there is no plugin ${p.plugin} in the store${p.near === null ? '' : ` (did you mean "${p.near}"?)`}`,
    'Store it with "penstock plugin push FILE"; "penstock plugin ls" lists what is there.',
  ),
  PLUGIN_UNNAMED: spec(
    'client',
    422,
    (p: { what: string; seen: string }) =>
      p.seen === ''
        ? `the module has no ${p.what}`
        : `"${p.seen}" cannot be the ${p.what} of a plugin`,
    'Build it with "penstock build", which writes both, or give them with --as NAME@VERSION.',
  ),
  PLUGIN_VERSION_TAKEN: spec(
    'client',
    409,
    (p: { plugin: string; digest: string }) => `${p.plugin} is another module already, ${p.digest}`,
    'A version never changes: give the new module another version.',
  ),

  REMOTE_REPLY: spec(
    'upstream',
    502,
    (p: { reason: string }) => `the remote service answered what cannot be used: ${p.reason}`,
    'Mend the service; the page of the filter says what it must answer.',
  ),

  REQUEST_BODY_TOO_LARGE: spec(
    'client',
    413,
    (p: { limit: number }) => `the body is larger than ${p.limit} bytes`,
    'Raise clientMaxBodySize, or send less.',
  ),
  REQUEST_INVALID: spec(
    'client',
    400,
    (p: { reason: string }) => `the request is not valid HTTP: ${p.reason}`,
    'Send a request that follows RFC 9110 and RFC 9112.',
  ),

  TESTING_INPUT: spec(
    'client',
    400,
    (p: { reason: string }) => `the request of the test is not valid: ${p.reason}`,
    'A gateway would refuse it before any filter; sdk/README.md shows what a test may send.',
  ),
  TESTING_REQUEST_FAILED: spec(
    'guest',
    503,
    (p: { count: number; reason: string }) => `request ${p.count} of the check failed: ${p.reason}`,
    'Check for leaks with a request that the filter serves.',
  ),
  TESTING_SIGNATURE: spec(
    'config',
    422,
    (p: { name: string; reason: string }) =>
      `"${p.name}" cannot be called from a test: ${p.reason}`,
    'Numbers, bool, string and arrays of them can be passed; test the rest through a request.',
  ),
  TESTING_STALE: spec(
    'config',
    422,
    (p: { module: string; changed: string }) => `${p.module} is older than ${p.changed}`,
    'Run "penstock build", or "penstock test", which builds first.',
  ),

  TEMPLATE_BUILD: spec(
    'config',
    503,
    (p: { reason: string }) => `what the template built cannot be used: ${p.reason}`,
    'The template must give YAML with the fields that the page of the filter lists.',
  ),
  TEMPLATE_RUN: spec(
    'config',
    503,
    (p: { reason: string }) => `the template failed: ${p.reason}`,
    'Test with "if" for what may be missing, and use "default".',
  ),
  TEMPLATE_SYNTAX: spec(
    'config',
    422,
    (p: { line: number; reason: string }) => `line ${p.line} of the template: ${p.reason}`,
    'Templates are those of Go (text/template) with the functions of sprig.',
  ),

  TLS_CERTIFICATE: spec(
    'config',
    422,
    (p: { name: string; reason: string }) => `${p.name} cannot be used: ${p.reason}`,
    'A certificate comes in PEM with the key it was made for; the configuration writes it in base64.',
  ),

  TOOLCHAIN_BUILD: spec(
    'config',
    422,
    (p: { name: string; problems: string }) => `${p.name} does not compile:\n${p.problems}`,
    'Mend the errors; each has its file, line and column.',
  ),
  TOOLCHAIN_CRASHED: spec(
    'host',
    500,
    (p: { reason: string }) => `the AssemblyScript compiler crashed: ${p.reason}`,
    'Undo the last change of the plugin; the next build starts a new compiler.',
  ),
  TOOLCHAIN_MISSING: spec(
    'config',
    500,
    (p: { reason: string }) => `the AssemblyScript compiler cannot be loaded: ${p.reason}`,
    'Install it beside the plugin: npm install --save-dev assemblyscript @penstock/sdk.',
  ),
  TOOLCHAIN_PACKAGE: spec(
    'config',
    422,
    (p: { path: string; reason: string }) => `${p.path} is wrong: ${p.reason}`,
    'The fields read are name, version and penstock { shared, bodyLimit, grant }.',
  ),
  TOOLCHAIN_SDK_MISSING: spec(
    'config',
    500,
    (p: { dir: string }) => `@penstock/sdk is not installed at or above ${p.dir}`,
    'Install it beside the plugin: npm install --save-dev @penstock/sdk.',
  ),
  TOOLCHAIN_SOURCE: spec(
    'config',
    422,
    (p: { path: string }) => `there is no plugin: ${p.path} does not exist`,
    'Name the folder that holds index.ts, or the file itself.',
  ),

  TRACE_REFUSED: spec(
    'upstream',
    502,
    (p: { url: string; status: number }) => `${p.url} answers spans with ${p.status}`,
    'Check that the `endpoint` of the exporter is the one for traces in JSON.',
  ),

  UPSTREAM_ABORTED: spec(
    'client',
    499,
    (_: Record<string, never>) => 'the client left before the answer',
    'Nothing to do.',
  ),
  UPSTREAM_BODY_TOO_LARGE: spec(
    'upstream',
    500,
    (p: { endpoint: string; limit: number }) =>
      `the answer of ${p.endpoint} is larger than ${p.limit} bytes`,
    'Raise serverMaxBodySize, or leave it out for no limit.',
  ),
  UPSTREAM_CONNECT: spec(
    'upstream',
    503,
    (p: { endpoint: string; reason: string }) => `${p.endpoint}: ${p.reason}`,
    'Check that the endpoint runs and can be reached.',
  ),
  UPSTREAM_INVALID: spec(
    'upstream',
    502,
    (p: { endpoint: string; reason: string }) =>
      `${p.endpoint} answered what is not valid HTTP: ${p.reason}`,
    'Mend the upstream.',
  ),
  UPSTREAM_POLICY: spec(
    'config',
    422,
    (p: { policy: string }) => `the load balance policy "${p.policy}" is unknown`,
    'The reference page of Proxy lists the policies.',
  ),
  UPSTREAM_REGISTRY: spec(
    'upstream',
    503,
    (p: { reason: string }) => `the service registry does not answer: ${p.reason}`,
    'Check that it runs and can be reached; the servers that were found last are used meanwhile.',
  ),
  UPSTREAM_SERVERS_FILE: spec(
    'config',
    422,
    (p: { path: string; reason: string }) => `cannot read servers from ${p.path}: ${p.reason}`,
    'The file holds `servers:` with a list as in a pool; what was read last is used meanwhile.',
  ),
  UPSTREAM_TIMEOUT: spec(
    'upstream',
    504,
    (p: { endpoint: string; ms: number }) => `${p.endpoint} did not answer within ${p.ms} ms`,
    'Raise the timeout or check the endpoint.',
  ),

  USER_FILE: spec(
    'config',
    422,
    (p: { path: string; reason: string }) => `the file of users ${p.path}: ${p.reason}`,
    'Write it with "htpasswd -B FILE USER" (bcrypt); {SHA} and $apr1$ are read too.',
  ),
} as const satisfies Record<string, ErrorSpec<never>>

export type ErrorCode = keyof typeof ERRORS
export type ErrorParams<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]['message']>[0]

/**
 * The one error class. It survives a thread boundary as `{ code, params }`: class identity does not,
 * so code that handles errors compares `code`.
 */
export class GatewayError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly params: ErrorParams<C>
  readonly fault: Fault
  readonly status: number
  readonly hint: string

  constructor(code: C, params: ErrorParams<C>, cause?: unknown) {
    // The table is indexed by C, whose message takes exactly ErrorParams<C>; TypeScript cannot see the link.
    const entry = ERRORS[code] as unknown as ErrorSpec<ErrorParams<C>>
    super(entry.message(params), cause === undefined ? undefined : { cause })
    this.name = 'GatewayError'
    this.code = code
    this.params = params
    this.fault = entry.fault
    this.status = entry.status
    this.hint = entry.hint
  }
}

/** Is this one of ours, with this code (or with any)? */
export function isGatewayError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is GatewayError<C> {
  return error instanceof GatewayError && (code === undefined || error.code === code)
}

/** A short reason for a log line or a message: the text of an error, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
