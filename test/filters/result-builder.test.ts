import { Cleanup } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/result-builder')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

test('its text decides where the flow goes on', async () => {
  const { get } = await startPipeline(
    cleanup,
    `
- name: decide
  kind: ResultBuilder
  template: |
    {{- $kind := .req.JSONBody.kind -}}
    {{if eq $kind "voice"}}result1{{else if eq $kind "odd"}}other{{else if eq $kind "list"}}[1]{{end}}
- { name: plain, kind: Mock, rules: [{ code: 200, body: plain }] }
- { name: voice, kind: Mock, rules: [{ code: 201, body: voice }] }
- { name: unknown, kind: Mock, rules: [{ code: 202 }] }
- { name: broken, kind: Mock, rules: [{ code: 203 }] }`,
    `
- filter: decide
  jumpIf: { result1: voice, unknown: unknown, buildErr: broken }
- filter: plain
- filter: END
- filter: voice
- filter: END
- filter: unknown
- filter: END
- filter: broken`,
  )
  const status = async (body: string): Promise<number> =>
    (await get('/', { method: 'POST', body })).status
  assert.is(await status('{"kind": "text"}'), 200)
  assert.is(await status('{"kind": "voice"}'), 201)
  assert.is(await status('{"kind": "odd"}'), 202)
  assert.is(await status('{"kind": "list"}'), 203)
  assert.is(await status('not json'), 203)
})

test('only results it can give may stand in jumpIf', async () => {
  const messages = await refusal(
    cleanup,
    '- { name: a, kind: ResultBuilder, template: x }\n- { name: b, kind: Mock }',
    '- { filter: a, jumpIf: { result10: b } }\n- filter: b',
  )
  assert.match(messages[0] ?? '', '"result10" is not a result of "a" (ResultBuilder)')
})
