import type { Executor } from '../../../host/wasm/executor.ts'
import { PluginHooks } from '../../../host/wasm/opening/plugin-hooks.ts'
import { MONITORS_KEPT, PluginMonitors } from '../../../host/wasm/opening/plugin-monitors.ts'
import { outcomeOf } from '../../../host/wasm/outcome.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/opening/plugin-monitors')

const namesOf = (filter: string) => ({
  pipeline: 'main',
  filter,
  plugin: 'p',
  version: '1.0.0',
  digest: 'sha256:0',
})

const EXECUTOR: Executor = {
  start: async () => undefined,
  submit: () => outcomeOf(0, false, null, 0),
  status: () => ({
    isolation: 'inline',
    queued: 0,
    running: 0,
    calls: 0,
    failures: 0,
    instances: 0,
    memoryBytes: 0,
  }),
  close: async () => undefined,
}

test('a version has one monitor over all of its generations', () => {
  const monitors = new PluginMonitors(new PluginHooks())
  const first = monitors.of(namesOf('a'))
  assert.is(monitors.of(namesOf('a')), first)
  assert.is.not(monitors.of(namesOf('b')), first)
  assert.is.not(monitors.of({ ...namesOf('a'), digest: 'sha256:1' }), first)
})

test('every version in use is counted, however many there are', () => {
  const monitors = new PluginMonitors(new PluginHooks())
  const count = 2 * MONITORS_KEPT
  for (let i = 0; i < count; i++) monitors.of(namesOf(`f${i}`)).executors.add(EXECUTOR)
  assert.is([...monitors.all].length, count)
})

test('of versions nobody uses, those that were asked for last are kept', () => {
  const monitors = new PluginMonitors(new PluginHooks())
  const first = monitors.of(namesOf('first'))
  monitors.of(namesOf('second'))
  for (let i = 0; i < MONITORS_KEPT - 2; i++) monitors.of(namesOf(`f${i}`))
  assert.is(monitors.of(namesOf('first')), first)
  monitors.of(namesOf('one more'))
  const kept = [...monitors.all].map(({ filter }) => filter)
  assert.is(kept.length, MONITORS_KEPT)
  assert.ok(kept.includes('first'))
  assert.not.ok(kept.includes('second'))
})
