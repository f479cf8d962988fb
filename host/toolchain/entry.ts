import type { PluginScan } from './scan.ts'
import type { PhaseShape } from './scan-phases.ts'

/** The name the compiler knows the entry by; no file of a plugin can have it. */
export const ENTRY_FILE = 'penstock-entry.ts'

/**
 * The module that is compiled: it makes the filter and exports a function for each of its phases, so that
 * an author writes no export. `module` is the import path of the plugin's own entry.
 */
export function entrySource(scan: PluginScan, module: string): string {
  const phases = scan.phases.map(phaseSource)
  const results = scan.results.map((name) => JSON.stringify(name)).join(', ')
  return `import { declareResults, finish, liveBytes, reportProblems, request, requestBody, response, responseBody } from '@penstock/sdk/guest'
import { ${scan.className} as PluginFilter } from '${module}'

let filter: PluginFilter = changetype<PluginFilter>(0)

export function penstock_configure(): i32 {
  declareResults([${results}])
  filter = new PluginFilter()
  return reportProblems()
}

export function penstock_live_bytes(): i32 {
  return liveBytes()
}
${phases.join('')}`
}

const MESSAGES = { request: 'request', response: 'response', done: 'response' } as const

function phaseSource(shape: PhaseShape): string {
  const { phase, method, takesMessage, takesBody, returnsResult } = shape
  const message = MESSAGES[phase]
  const passed = [...(takesMessage ? [message] : []), ...(takesBody ? [`${message}Body`] : [])]
  const call = `filter.${method}(${passed.join(', ')})`
  const type = phase === 'done' ? 'void' : 'i32'
  const body =
    phase === 'done' ? call : returnsResult ? `return finish(${call})` : `${call}\n  return 0`
  return `
export function penstock_on_${phase}(): ${type} {
  ${body}
}
`
}
