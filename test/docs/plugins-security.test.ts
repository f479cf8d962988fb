import { existsSync, readFileSync } from 'node:fs'
import { LIVE_GENERATIONS } from '../../host/control/retiring-generations.ts'
import { CRASH_BUDGET } from '../../host/resilience/crash-budget.ts'
import { DATA_LIMITS, DATA_WAIT_MS } from '../../host/wasm/data/data-limits.ts'
import { ENGINE_MEMORY_PAGES, ENGINE_TABLE_ELEMENTS } from '../../host/wasm/engine-limits.ts'
import { GUEST_LIMITS, WASM_DEFAULTS } from '../../host/wasm/limits.ts'
import { METRIC_LIMITS } from '../../host/wasm/metrics/metric-name.ts'
import { DEFAULT_MODULE_LIMITS } from '../../host/wasm/module/module-limits.ts'
import { MODULE_MAX_BYTES } from '../../host/wasm/module-source.ts'
import { OUTBOUND_LIMITS } from '../../host/wasm/outbound/outbound-limits.ts'
import { ROLLOUT_LIMITS } from '../../host/wasm/rollout/rollout-limits.ts'
import { MAX_TRAPS } from '../../host/wasm/worker/protocol.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('docs/plugins-security')

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/plugins-security.md', root), 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('| '))

/** The ways the page may write a number: 65,536, 64 KiB, 1 s. */
function formsOf(key: string, value: number): string[] {
  const forms = [value.toLocaleString('en-US')]
  if (value % 1_024 === 0) forms.push(`${value / 1_024} KiB`, `${value / 1_024 / 1_024} MiB`)
  if (key.endsWith('Ms')) forms.push(`${value} ms`, `${value / 1_000} s`)
  return forms
}

const tables: readonly [prefix: string, limits: Readonly<Record<string, number>>][] = [
  ['GUEST_LIMITS.', GUEST_LIMITS],
  ['WASM_DEFAULTS.', WASM_DEFAULTS],
  ['', { ...DEFAULT_MODULE_LIMITS }],
]

test('every limit of a guest and of a module has a row with its figure', () => {
  const wrong: string[] = []
  for (const [prefix, limits] of tables) {
    for (const [key, value] of Object.entries(limits)) {
      const own = rows.filter(
        (row) =>
          row.includes(`\`${prefix}${key}\``) || row.includes(`DEFAULT_MODULE_LIMITS.${key}`),
      )
      const isRight = own.some((row) => {
        const figure = row.split('|')[2] ?? ''
        return formsOf(key, value).some((form) =>
          ` ${figure} `.match(new RegExp(`[ ;]${form}[ ;,]`)),
        )
      })
      if (!isRight) wrong.push(`${prefix}${key} = ${value}: ${own[0] ?? 'no row'}`)
    }
  }
  assert.equal(wrong, [])
})

/** What stands elsewhere in the code: the name that the row has, and the figures it must have. */
const OTHERS: readonly [name: string, figures: readonly string[]][] = [
  ['LIVE_GENERATIONS', [`${LIVE_GENERATIONS};`]],
  ['MAX_TRAPS', [`${MAX_TRAPS} `]],
  ['ENGINE_MEMORY_PAGES', [ENGINE_MEMORY_PAGES.toLocaleString('en-US')]],
  ['ENGINE_TABLE_ELEMENTS', [ENGINE_TABLE_ELEMENTS.toLocaleString('en-US')]],
  ['DATA_WAIT_MS', [`${DATA_WAIT_MS} ms`]],
  [
    'DATA_LIMITS',
    [
      `${DATA_LIMITS.keysPerNamespace.toLocaleString('en-US')} keys of ${DATA_LIMITS.keyBytes} bytes`,
      `${DATA_LIMITS.valueBytes / 1024} KiB a value`,
      `${DATA_LIMITS.namespaceBytes / 1024 / 1024} MiB a namespace`,
      `${DATA_LIMITS.totalBytes / 1024 / 1024} MiB in all`,
    ],
  ],
  [
    'OUTBOUND_LIMITS',
    [
      `${OUTBOUND_LIMITS.callsPerPhase} a phase`,
      `${OUTBOUND_LIMITS.inFlight} at once`,
      `${OUTBOUND_LIMITS.timeoutMs / 1000} s`,
      `${OUTBOUND_LIMITS.bodyBytes / 1024 / 1024} MiB each way`,
    ],
  ],
  [
    'CRASH_BUDGET',
    [
      `${CRASH_BUDGET.failures} in ${CRASH_BUDGET.windowMs / 1000} s`,
      `${CRASH_BUDGET.backoffMs / 1000} s, doubled up to ${CRASH_BUDGET.maxBackoffMs / 1000} s`,
    ],
  ],
  ['ROLLOUT_LIMITS', [`${ROLLOUT_LIMITS.minSample}; ${ROLLOUT_LIMITS.strikes}`]],
  ['METRIC_LIMITS', [`${METRIC_LIMITS.metrics} `]],
  ['MODULE_MAX_BYTES', [`${MODULE_MAX_BYTES / 1024 / 1024} MiB`]],
]

test('limits that stand elsewhere have a row with their figures too', () => {
  const wrong = OTHERS.filter(([name, figures]) => {
    const own = rows.filter((row) => row.includes(`\`${name}\``))
    return !own.some((row) => figures.every((figure) => row.includes(figure)))
  })
  assert.equal(wrong, [])
})

test('every test and every source file the page names is there', () => {
  const paths = [...page.matchAll(/`((?:test|host|plugins|docs)\/[^`]+)`/g)].map(([, path]) => path)
  assert.ok(paths.length > 30)
  const missing = paths.filter((path) => !existsSync(new URL(path ?? '', root)))
  assert.equal(missing, [])
})
