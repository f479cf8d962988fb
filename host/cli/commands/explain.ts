import { GatewayError } from '../../errors.ts'
import type { ReferenceKind } from '../../objects/reference/kinds.ts'
import { type CommandCall, defineCommand } from '../command.ts'
import { EXIT } from '../io.ts'
import { writeData } from '../output.ts'

const DEFAULT_WIDTH = 80

/** Prints the reference of a kind or of one of its fields; without an argument, the kinds. */
export const explainCommand = defineCommand({
  name: 'explain',
  summary: 'say what a kind of object, filter or policy, or one of its fields, is',
  arguments: [
    {
      name: '[kind.field]',
      description: 'RateLimiter, Proxy.pools.timeout, …; none lists the kinds',
    },
  ],
  options: [{ flags: '--json', description: 'as data; the same as -o json' }],
  examples: [
    'penstock explain',
    'penstock explain RateLimiter',
    'penstock explain Proxy.pools.loadBalance',
    'penstock explain HTTPServer.rules.paths --json',
  ],
  async run(call) {
    // Loaded when they are used: the schemas of everything take a while.
    const { referenceKinds } = await import('../../objects/reference/kinds.ts')
    const { lookup } = await import('../../objects/reference/lookup.ts')
    const { foundText, kindsText } = await import('../explain-text.ts')
    const { args, io, options, global } = call
    const output = options.flag('json') ? 'json' : global.output
    const asked: CommandCall = { ...call, global: { ...global, output } }
    const width = io.columns === 0 ? DEFAULT_WIDTH : io.columns
    const [words] = args
    if (words === undefined) {
      const kinds = referenceKinds()
      if (!writeData(asked, kinds.map(summaryOf))) io.stdout.write(kindsText(kinds, width))
      return EXIT.ok
    }
    const found = lookup(words)
    if ('reason' in found) throw new GatewayError('CLI_USAGE', { reason: found.reason })
    const { kind, field, fields } = found
    const data =
      field === null ? { ...summaryOf(kind), ...detailsOf(kind), fields } : { ...field, fields }
    if (!writeData(asked, data)) io.stdout.write(foundText(found, width))
    return EXIT.ok
  },
})

function summaryOf({ group, kind, description }: ReferenceKind) {
  return { kind, group, description }
}

function detailsOf({ results, example, notes }: ReferenceKind) {
  return { ...(results === null ? {} : { results }), example, notes }
}
