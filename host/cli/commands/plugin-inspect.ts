import { printable } from '../../config/issues.ts'
import { ApiClient } from '../api-client.ts'
import { type CommandCall, defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'
import { parsePluginTarget, pluginPath, storedPath } from '../plugin-target.ts'
import { type InspectedReply, inspectedSchema } from '../replies.ts'

/** What a module is, what it asks for, and what became of it. */
export const pluginInspectCommand = defineCommand({
  name: 'plugin inspect',
  summary: 'show what a plugin is, what it asks for and may do, and its history',
  arguments: [{ name: '<plugin>', description: 'PIPELINE/FILTER, NAME or NAME@VERSION' }],
  examples: ['penstock plugin inspect demo/limit', 'penstock plugin inspect limit@1.2.0 -o json'],
  async run(call) {
    const target = parsePluginTarget(call.args[0])
    const client = await ApiClient.open(call)
    const path =
      target.kind === 'filter'
        ? pluginPath(target.pipeline, target.filter)
        : storedPath(target.name, target.version)
    const found = await client.call(inspectedSchema, 'GET', path)
    if (!writeData(call, found)) tell(call, found)
    return EXIT.ok
  },
})

function tell({ io }: Pick<CommandCall, 'io'>, { module, running, stored }: InspectedReply): void {
  const width = 12
  const line = (label: string, text: string): void =>
    void io.stdout.write(`${label.padEnd(width)}${printable(text)}\n`)
  const list = (label: string, items: readonly string[]): void => {
    for (const [index, item] of (items.length === 0 ? ['none'] : items).entries()) {
      line(index === 0 ? label : '', item)
    }
  }
  const { body, limits } = module
  line('name', module.name ?? 'none')
  line('version', module.version ?? 'none')
  line('digest', module.digest)
  line('size', `${module.bytes} bytes`)
  line('abi', module.sdk === null ? module.abi : `${module.abi}, built with ${module.sdk}`)
  line('phases', module.phases.join(', '))
  line('body', `request ${body.request}, response ${body.response}, at most ${body.limit} bytes`)
  list('results', module.results)
  list(
    'parameters',
    Object.entries(module.parameters).map(([name, { type, required, default: fallback }]) => {
      if (required) return `${name}: ${type}, required`
      return fallback === undefined ? `${name}: ${type}` : `${name}: ${type}, default ${fallback}`
    }),
  )
  list('imports', module.imports)
  const memory = limits.memoryPages === null ? 'no memory' : `${limits.memoryPages} pages of memory`
  line('limits', `${memory}; reset: request is ${module.canReset ? '' : 'not '}possible`)
  line('source map', MAP_TEXTS[module.sourceMap ?? ''] ?? module.sourceMap ?? 'none')
  list('notes', module.notes)
  const grant = running?.detail['grant']
  if (typeof grant === 'object' && grant !== null) {
    for (const [label, part] of GRANT_PARTS) {
      const items: unknown = Reflect.get(grant, part)
      if (Array.isArray(items)) list(label, items.map(String))
    }
  } else {
    const asks = Object.entries(module.asks)
    list(
      'asks for',
      asks.map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
    )
  }
  if (running !== null) tellRunning(running, line, list)
  if (stored !== null) tellStored(stored, line, list)
}

/** Where a source map is, as `sourceMap` of a module has it. */
const MAP_TEXTS: Readonly<Record<string, string>> = {
  '': 'none: a trap is logged without a line',
  inside: 'in the module',
  stored: 'kept with the module',
  beside: 'beside the module',
}

/** What a filter that runs says of its grant, and what it is called here. */
const GRANT_PARTS = [
  ['asks for', 'asked'],
  ['allowed', 'allowed'],
  ['denied', 'denied'],
] as const

type Line = (label: string, text: string) => void
type List = (label: string, items: readonly string[]) => void

function tellRunning(
  { pipeline, filter, detail, trial, history }: NonNullable<InspectedReply['running']>,
  line: Line,
  list: List,
): void {
  line('runs in', `${pipeline}/${filter}, from ${detail.origin}`)
  if (trial != null) line('on trial', trialText(trial))
  list(
    'history',
    history.map(({ at, digest, version, by = '', reason = '', withdrawn }) => {
      const shown = `${at}  ${version ?? ''} ${digest.slice(0, 19)}  ${reason}, by ${by}`
      return withdrawn === null ? shown : `${shown}; withdrawn: ${withdrawn}`
    }),
  )
}

function tellStored(
  { promoted, trial, versions, history }: NonNullable<InspectedReply['stored']>,
  line: Line,
  list: List,
): void {
  line('promoted', promoted)
  if (trial !== null) line('on trial', trialText(trial))
  list(
    'versions',
    versions.map(({ version, usedBy, pinnedBy, withdrawn }) => {
      const users = usedBy.map((user) => (pinnedBy.includes(user) ? `${user} (pinned)` : user))
      const used = users.length === 0 ? '' : `, used by ${users.join(', ')}`
      return `${version}${used}${withdrawn === null ? '' : `, withdrawn: ${withdrawn}`}`
    }),
  )
  list(
    'history',
    history.map(
      ({ at, action, version, by, reason }) => `${at}  ${action} ${version}: ${reason}, by ${by}`,
    ),
  )
}

function trialText(trial: NonNullable<NonNullable<InspectedReply['running']>['trial']>): string {
  const { version, digest, percent, sticky, state, requests } = trial
  const what = version ?? digest.slice(0, 19)
  return `${what} on ${percent}% of the clients, by ${sticky}: ${state}, ${requests} requests`
}
