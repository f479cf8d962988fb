import { name, text, z } from '../config/schema.ts'
import { BRANCH_FAILED, PARALLEL } from '../traffic/flow.ts'

/** Branches of one node. */
export const MAX_BRANCHES = 32

const fields = {
  filter: text().optional().describe('The name of a filter, or END.'),
  alias: name().optional().describe('Another name for this node, for jumps to it.'),
  namespace: z
    .union([z.literal(''), name()])
    .optional()
    .describe('The request and response the filter works on; DEFAULT when nothing is given.'),
  jumpIf: z
    .record(z.string(), text())
    .default({})
    .describe('For a result of the filter, the later node to go on with, or END.'),
}

const node = z.strictObject({
  ...fields,
  parallel: z
    .array(z.array(z.strictObject(fields)).min(1))
    .min(1)
    .max(MAX_BRANCHES)
    .optional()
    .describe(
      `In place of \`filter\`: branches that run at the same time, each a flow in namespaces of its own. The node is called ${PARALLEL} and has the result ${BRANCH_FAILED}: a branch ended early. Easegress does not have this.`,
    ),
})

/** The `flow` of a pipeline: filters, and nodes with branches. */
export const flowField = z
  .array(node)
  .default([])
  .describe('The order filters run in; that of `filters` when empty.')
