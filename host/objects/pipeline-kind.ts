import { flowField } from './flow-spec.ts'
import { defineObject, type SpecOf } from './object.ts'
import { pipelineKind as base } from './pipeline-spec.ts'

/** Pipeline without its running part: the fields of its document and the rules they follow. */
export const pipelineKind = defineObject({
  ...base,
  spec: base.spec.extend({ flow: flowField }),
})

/** The fields of a pipeline that stands inside another object: it has neither name nor kind. */
export const pipelineBody = pipelineKind.spec.omit({
  name: true,
  kind: true,
  version: true,
  labels: true,
  createdAt: true,
})

export type PipelineSpec = SpecOf<typeof pipelineKind>
