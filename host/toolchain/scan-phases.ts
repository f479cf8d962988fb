import { nearest } from '../config/nearest.ts'
import type { PluginSources } from './plugin-sources.ts'
import type { FilterChain } from './scan.ts'
import { lastName, type Method, type SourceNode, type SyntaxApi } from './syntax.ts'

export type PhaseName = 'request' | 'response' | 'done'

/** How the entry has to call a phase. */
export interface PhaseShape {
  readonly phase: PhaseName
  readonly method: string
  readonly takesMessage: boolean
  readonly takesBody: boolean
  readonly returnsResult: boolean
}

interface PhaseRule {
  readonly phase: PhaseName
  readonly message: 'Request' | 'Response'
  readonly signature: string
}

const PHASES: Readonly<Record<string, PhaseRule>> = {
  onRequest: {
    phase: 'request',
    message: 'Request',
    signature: 'onRequest(request: Request, body?: Body): void or Result',
  },
  onResponse: {
    phase: 'response',
    message: 'Response',
    signature: 'onResponse(response: Response, body?: Body): void or Result',
  },
  onDone: { phase: 'done', message: 'Response', signature: 'onDone(response?: Response): void' },
}

/** Finds the phases among the methods of the filter class and of the classes it extends. */
export function readPhases(
  api: SyntaxApi,
  sources: PluginSources,
  chain: FilterChain,
): PhaseShape[] {
  const found = new Map<PhaseName, PhaseShape>()
  let hasConstructor = false
  for (const { source, node } of chain) {
    for (const member of node.members) {
      if (member.kind !== api.NodeKind['MethodDeclaration']) continue
      // The kind says what it is.
      const method = member as Method
      if (isSet(method, api.CommonFlags['Constructor'])) {
        if (!hasConstructor) checkConstructor(sources, source, method)
        hasConstructor = true
        continue
      }
      const isHelper = isSet(
        method,
        (api.CommonFlags['Private'] ?? 0) | (api.CommonFlags['Get'] ?? 0),
      )
      const rule = Object.hasOwn(PHASES, method.name.text) ? PHASES[method.name.text] : undefined
      if (rule === undefined) {
        if (!isHelper) checkName(sources, source, method)
      } else if (isHelper || isSet(method, api.CommonFlags['Static'])) {
        sources.report(source, method.name, 'a phase is a public method of the object')
      } else if (!found.has(rule.phase)) {
        found.set(rule.phase, shapeOf(sources, source, method, rule))
      }
    }
  }
  const [filter] = chain
  if (found.size === 0 && sources.diagnostics.length === 0 && filter !== undefined) {
    const names = Object.keys(PHASES).join(', ')
    sources.report(
      filter.source,
      filter.node.name,
      `the filter has no phase: give it one of ${names}`,
    )
  }
  return (['request', 'response', 'done'] as const).flatMap((phase) => found.get(phase) ?? [])
}

/** A misspelled phase would never run, and nobody would say so. */
function checkName(sources: PluginSources, source: SourceNode, method: Method): void {
  const name = method.name.text
  const suggestion = nearest(name, Object.keys(PHASES))
  if (!/^on[A-Z]/.test(name) && suggestion === null) return
  sources.report(
    source,
    method.name,
    `"${name}" is not a phase; a helper of that name must be private`,
    suggestion,
  )
}

function checkConstructor(sources: PluginSources, source: SourceNode, method: Method): void {
  const [parameter] = method.signature.parameters
  if (parameter === undefined) return
  sources.report(
    source,
    parameter,
    'the gateway makes the filter: its constructor takes no arguments',
  )
}

function shapeOf(
  sources: PluginSources,
  source: SourceNode,
  method: Method,
  rule: PhaseRule,
): PhaseShape {
  const { parameters, returnType } = method.signature
  const [message, body, extra] = parameters
  const isDone = rule.phase === 'done'
  const wrong =
    message === undefined
      ? isDone
        ? undefined
        : method.name
      : lastName(message.type) !== rule.message
        ? message
        : body !== undefined && (isDone || lastName(body.type) !== 'Body')
          ? body
          : extra
  if (wrong !== undefined) sources.report(source, wrong, `write this phase as ${rule.signature}`)
  const result = lastName(returnType)
  const returnsResult = result === 'Result' || result === 'Reply'
  if (result !== '' && result !== 'void' && (isDone || !returnsResult)) {
    sources.report(source, returnType, `write this phase as ${rule.signature}`)
  }
  return {
    phase: rule.phase,
    method: method.name.text,
    takesMessage: message !== undefined,
    takesBody: body !== undefined,
    returnsResult,
  }
}

function isSet(node: { readonly flags: number }, flag: number | undefined): boolean {
  return (node.flags & (flag ?? 0)) !== 0
}
