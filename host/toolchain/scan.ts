import type { AskedGrant } from '../wasm/grant/grant-spec.ts'
import type { Diagnostic } from './diagnostic.ts'
import { PluginSources, type PluginSymbol } from './plugin-sources.ts'
import { collectCalls, type ParameterDescription } from './scan-calls.ts'
import { collectGrant } from './scan-grant.ts'
import { checkLanguage } from './scan-language.ts'
import { type PhaseShape, readPhases } from './scan-phases.ts'
import { type ClassNode, loadSyntax, type SourceNode } from './syntax.ts'

/** What the source of a plugin says about it. */
export interface PluginScan {
  /** The name under which the entry exports the filter class. */
  readonly className: string
  readonly phases: readonly PhaseShape[]
  /** In the order of their numbers: the first is result 1. */
  readonly results: readonly string[]
  readonly parameters: Readonly<Record<string, ParameterDescription>>
  /** What it asks for by name. */
  readonly grant: AskedGrant
}

export interface ScanOutcome {
  /** Null when there is an error among the diagnostics. */
  readonly scan: PluginScan | null
  readonly diagnostics: readonly Diagnostic[]
}

/** A class and the classes it extends, nearest first, up to the SDK's `Filter`. */
export type FilterChain = readonly { readonly source: SourceNode; readonly node: ClassNode }[]

/**
 * Reads a plugin's sources with AssemblyScript's parser and finds the filter class, its phases, results
 * and parameters. Reports every problem, each with its place, and never throws for one.
 */
export async function scanPlugin(entry: string): Promise<ScanOutcome> {
  const api = await loadSyntax()
  const sources = PluginSources.parse(api, entry)
  // What follows from a syntax error only hides it.
  if (sources.diagnostics.length > 0) return { scan: null, diagnostics: sources.diagnostics }
  const filter = findFilter(sources, api.CommonFlags['Abstract'] ?? 0)
  const phases = filter === null ? [] : readPhases(api, sources, filter.chain)
  const { results, parameters } = collectCalls(api, sources)
  const grant = collectGrant(api, sources)
  checkLanguage(api, sources)
  const diagnostics = sources.diagnostics
  if (filter === null || diagnostics.length > 0) return { scan: null, diagnostics }
  return { scan: { className: filter.name, phases, results, parameters, grant }, diagnostics }
}

function findFilter(
  sources: PluginSources,
  abstract: number,
): { name: string; chain: FilterChain } | null {
  const found: { name: string; chain: FilterChain }[] = []
  for (const [name, symbol] of sources.exports()) {
    const chain = chainOf(sources, symbol)
    if (chain?.[0] !== undefined && (chain[0].node.flags & abstract) === 0)
      found.push({ name, chain })
  }
  const [first, second] = found
  if (first === undefined) reportMissing(sources)
  if (first !== undefined && second?.chain[0] !== undefined) {
    const { source, node } = second.chain[0]
    sources.report(
      source,
      node.name,
      `a second filter class: a plugin exports one, and "${first.name}" is one already`,
    )
  }
  return first ?? null
}

function reportMissing(sources: PluginSources): void {
  for (const source of sources.all()) {
    for (const statement of source.statements) {
      if (!('members' in statement && 'extendsType' in statement)) continue
      // Only class declarations have both.
      const node = statement as ClassNode
      if (chainOf(sources, { kind: 'class', source, node }) === null) continue
      sources.report(
        source,
        node.name,
        `"${node.name.text}" extends Filter but is not exported from the entry`,
      )
      return
    }
  }
  const { entry } = sources
  const start = { kind: entry.kind, range: { start: 0, end: 1 } }
  sources.report(entry, start, 'no filter: export one class that extends Filter of @penstock/sdk')
}

/** The chain from a class up to `Filter`, or null when it does not end there. */
function chainOf(sources: PluginSources, symbol: PluginSymbol): FilterChain | null {
  const chain: { source: SourceNode; node: ClassNode }[] = []
  let at: PluginSymbol | undefined = symbol
  while (
    at?.kind === 'class' &&
    !chain.some(({ node }) => at?.kind === 'class' && node === at.node)
  ) {
    chain.push(at)
    at =
      at.node.extendsType === null ? undefined : sources.resolveType(at.source, at.node.extendsType)
  }
  return at?.kind === 'sdk' && at.name === 'Filter' ? chain : null
}
