import { SENSITIVE_HEADERS } from '../wasm/grant/grant.ts'
import type { AskedGrant } from '../wasm/grant/grant-spec.ts'
import type { PluginSources } from './plugin-sources.ts'
import { literalText, sdkName } from './scan-calls.ts'
import {
  type Call,
  type PropertyAccess,
  type SourceNode,
  type SyntaxApi,
  type SyntaxNode,
  walk,
} from './syntax.ts'

const READS: ReadonlySet<string> = new Set(['get', 'getAll', 'has', 'count'])
const WRITES: ReadonlySet<string> = new Set(['set', 'add', 'remove'])

/** Methods of the SDK that look at a sensitive header without naming it. */
const HIDDEN: Readonly<Record<string, { read?: string; write?: string }>> = {
  bearer: { read: 'authorization' },
  cookie: { read: 'cookie' },
  removeCookie: { read: 'cookie', write: 'cookie' },
  setCookie: { write: 'set-cookie' },
}

/** Which argument of a call is the URL. */
const URL_ARGUMENTS: Readonly<Record<string, number>> = {
  'http.get': 0,
  'http.post': 0,
  'http.call': 1,
}

/** What a call of the SDK names by its first argument. */
const NAMED: Readonly<Record<string, 'secret' | 'key'>> = {
  'secrets.get': 'secret',
  'secrets.required': 'secret',
  'jwt.key': 'key',
  'jwt.hasKey': 'key',
}

class Collector {
  readonly read = new Set<string>()
  readonly write = new Set<string>()
  readonly secrets = new Set<string>()
  readonly keys = new Set<string>()
  readonly outbound = new Set<string>()
}

/**
 * What a plugin asks for by name: secrets, hosts it calls, and sensitive headers, from the literals in its
 * sources. What it asks for without names shows in its imports. A header whose name is made at run time
 * cannot be seen; `penstock.grant` in the package file asks for it.
 */
export function collectGrant(api: SyntaxApi, sources: PluginSources): AskedGrant {
  const found = new Collector()
  for (const source of sources.all()) {
    const named = new Set<SyntaxNode>()
    for (const statement of source.statements) {
      walk(statement, (node) => {
        if (node.kind === api.NodeKind['Call']) {
          collectCall(api, sources, source, node as Call, found, named)
        }
        const text = named.has(node) ? null : literalText(api, node)?.toLowerCase()
        if (text == null || !SENSITIVE_HEADERS.has(text)) return
        // Passed on to a helper, or compared with: it may be read and written.
        found.read.add(text)
        found.write.add(text)
      })
    }
  }
  const list = (names: ReadonlySet<string>): string[] => [...names].sort()
  const headers = {
    ...(found.read.size === 0 ? {} : { read: list(found.read) }),
    ...(found.write.size === 0 ? {} : { write: list(found.write) }),
  }
  return {
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(found.outbound.size === 0 ? {} : { outbound: list(found.outbound) }),
    ...(found.secrets.size === 0 ? {} : { secrets: list(found.secrets) }),
    ...(found.keys.size === 0 ? {} : { keys: list(found.keys) }),
  }
}

function collectCall(
  api: SyntaxApi,
  sources: PluginSources,
  source: SourceNode,
  call: Call,
  found: Collector,
  named: Set<SyntaxNode>,
): void {
  const callee = sdkName(api, sources, source, call.expression)
  const kind = callee !== null && Object.hasOwn(NAMED, callee) ? NAMED[callee] : undefined
  if (kind !== undefined) {
    const name = literalText(api, call.args[0])
    if (name === null) {
      sources.report(source, call.args[0] ?? call, `a ${kind} is named by a string literal`)
    } else found[`${kind}s`].add(name)
    return
  }
  const urlAt =
    callee !== null && Object.hasOwn(URL_ARGUMENTS, callee) ? URL_ARGUMENTS[callee] : undefined
  if (urlAt !== undefined) {
    found.outbound.add(hostOf(source, call.args[urlAt]))
    return
  }
  if (call.expression.kind !== api.NodeKind['PropertyAccess']) return
  const method = (call.expression as PropertyAccess).property.text
  const hidden = Object.hasOwn(HIDDEN, method) ? HIDDEN[method] : undefined
  if (hidden?.read !== undefined) found.read.add(hidden.read)
  if (hidden?.write !== undefined) found.write.add(hidden.write)
  const [first] = call.args
  const name = literalText(api, first)?.toLowerCase()
  if (first === undefined || name === undefined || !SENSITIVE_HEADERS.has(name)) return
  if (READS.has(method)) found.read.add(name)
  else if (WRITES.has(method)) found.write.add(name)
  else return
  named.add(first)
}

/** The host at the start of a literal or a template; `*` when it is made at run time. */
function hostOf(source: SourceNode, node: SyntaxNode | undefined): string {
  if (node === undefined) return '*'
  const text = source.text.slice(node.range.start, node.range.end)
  const host = /^['"`]https?:\/\/([^/?#'"`$]+)(?:[/?#'"`])/.exec(text)?.[1]
  return host === undefined ? '*' : host.toLowerCase().replace(/:(?:80|443)$/, '')
}
