import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'
import type { InspectedGateway } from './inspected-gateway.ts'
import type { Recording, Step } from './recording.ts'
import { sentRequest } from './sent-request.ts'
import { testSource } from './test-source.ts'

/** A test that was written. */
export interface WrittenTest {
  readonly path: string
  readonly text: string
}

/** How many tests with the same name there may be in a folder. */
const MAX_SAME_NAME = 100

/** See `Inspector.writeTest`. */
export function writeTest(
  recording: Recording,
  index: number | null,
  gateway: InspectedGateway,
): WrittenTest {
  const step =
    index === null ? recording.steps.findLast((one) => one.isTestable) : recording.steps[index]
  const folder = step?.source.folder ?? null
  if (step === undefined || folder === null || !step.isTestable) {
    throw new GatewayError('INSPECT_NO_PLUGIN', { id: recording.id })
  }
  const text = describe(recording, step, gateway)
  const sent = sentRequest(recording, step.requestBefore)
  const name = slug(`${sent.method} ${sent.target.replace(/\?.*/, '')} ${step.result ?? ''}`)
  for (let count = 1; count <= MAX_SAME_NAME; count++) {
    const path = join(folder, `recorded-${name}${count === 1 ? '' : `-${count}`}.test.ts`)
    try {
      // Never in place of a file that is there: it may have been edited.
      writeFileSync(path, text, { flag: 'wx' })
      return { path, text }
    } catch (error) {
      const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
      if (isThere) continue
      throw new GatewayError('INSPECT_TEST_FILE', { path, reason: reasonOf(error) }, error)
    }
  }
  throw new GatewayError('INSPECT_TEST_FILE', {
    path: join(folder, `recorded-${name}.test.ts`),
    reason: `there are ${MAX_SAME_NAME} of that name`,
  })
}

function describe(recording: Recording, step: Step, gateway: InspectedGateway): string {
  const { source } = step
  const sent = sentRequest(recording, step.requestBefore)
  const { requests, responses } = recording.toRecord()
  const [before, after] = [requests[step.requestBefore], requests[step.requestAfter]]
  if (before === undefined || after === undefined) {
    throw new GatewayError('INSPECT_NO_PLUGIN', { id: recording.id })
  }
  const owed = recording.steps.find(
    (one) => one.isOwed && one.source.filter === source.filter && one.failure === null,
  )
  const upstream = owed === undefined ? undefined : responses[owed.responseBefore]
  const answered = owed === undefined ? undefined : responses[owed.responseAfter]
  const afterState = recording.states.requestAt(step.requestAfter)
  const isSameBody = recording.states.requestAt(step.requestBefore)?.body === afterState?.body
  const isReplied = step.result === 'replied'
  return testSource({
    title: `${before.method} ${before.path} gives ${step.result ?? 'next'}`,
    recordedAt: recording.startedAt.toISOString(),
    given: gateway.givenTo(source.pipeline, source.filter),
    parameters: gateway.parametersOf(source.pipeline, source.filter),
    host: recording.host,
    before,
    after,
    requestBody: sent.body,
    afterBody: isSameBody || afterState?.body.isWhole !== true ? null : afterState.body.bytes(),
    result: step.result,
    reply: isReplied ? (responses[step.responseAfter] ?? null) : null,
    upstream:
      isReplied || upstream === undefined || answered === undefined
        ? null
        : { before: upstream, after: answered },
  })
}

/** `POST /a/b` as `post-a-b`: part of a file's name on every system. */
function slug(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60)
      .replace(/-$/, '') || 'request'
  )
}
