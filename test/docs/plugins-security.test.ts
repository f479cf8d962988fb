import { existsSync, readFileSync } from 'node:fs'
import { GUEST_LIMITS, WASM_DEFAULTS } from '../../host/wasm/limits.ts'
import { DEFAULT_MODULE_LIMITS } from '../../host/wasm/module/module-limits.ts'
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

test('every test and every source file the page names is there', () => {
  const paths = [...page.matchAll(/`((?:test|host|plugins|docs)\/[^`]+)`/g)].map(([, path]) => path)
  assert.ok(paths.length > 30)
  const missing = paths.filter((path) => !existsSync(new URL(path ?? '', root)))
  assert.equal(missing, [])
})
