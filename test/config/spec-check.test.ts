import { interpolate } from '../../host/config/interpolate.ts'
import { formatPath, type JsonObject } from '../../host/config/json.ts'
import { duration, z } from '../../host/config/schema.ts'
import { checkSpec, redact } from '../../host/config/spec-check.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/spec-check')

const schema = z.strictObject({
  name: z.string().min(1),
  port: z.int().min(1).max(65_535).optional(),
  ratio: z.number().gt(0).lt(1).optional(),
  on: z.boolean().optional(),
  mode: z.enum(['fast', 'slow']).optional(),
  only: z.literal('one').optional(),
  wait: duration().optional(),
  list: z.array(z.string()).min(1).max(2).optional(),
  map: z.record(z.string().regex(/^[a-z]+$/), z.number()).optional(),
  code: z.string().regex(/^\d+$/).optional(),
  url: z.url({ error: 'must be a URL' }).optional(),
  either: z.union([z.string(), z.strictObject({ file: z.string() })]).optional(),
  shape: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('circle'), radius: z.number() }),
      z.strictObject({ type: z.literal('square') }),
    ])
    .optional(),
  prefix: z.string().startsWith('/').optional(),
  step: z.number().multipleOf(5).optional(),
  long: z.string().max(3).optional(),
})

const target = (data: JsonObject, env: Record<string, string> = {}) =>
  interpolate(data, { env, readFile: null }, '')

function linesOf(data: JsonObject, env: Record<string, string> = {}): string[] {
  const { problems } = checkSpec(schema, target(data, env))
  return problems.map(({ path, at, message, suggestion }) => {
    const hint = suggestion === null || suggestion === undefined ? '' : ` (${suggestion}?)`
    return `${formatPath(path)}${at === 'key' ? '@key' : ''}: ${message}${hint}`
  })
}

test('says what a field takes and what was seen', () => {
  const cases: [data: JsonObject, ...lines: string[]][] = [
    [{}, 'name: `name` is missing'],
    [{ name: '' }, 'name: `name` takes text that is not empty, not empty text'],
    [{ name: 5 }, 'name: `name` takes text, not the number 5: put it in quotes'],
    [{ name: true }, 'name: `name` takes text, not true: put it in quotes'],
    [{ name: null }, 'name: `name` takes text, not nothing'],
    [{ name: 'a', port: null, wait: null, either: null, map: null }],
    [{ name: 'a', list: [null] }, 'list[0]: `list[0]` takes text, not nothing'],
    [{ name: [] }, 'name: `name` takes text, not an empty list'],
    [{ name: { a: 1 } }, 'name: `name` takes text, not a mapping'],
    [{ name: 'a', port: '80' }, 'port: `port` takes a number, not the text "80"'],
    [{ name: 'a', port: '' }, 'port: `port` takes a number, not empty text'],
    [{ name: 'a', port: 1.5 }, 'port: `port` takes a whole number, not the number 1.5'],
    [{ name: 'a', port: 0 }, 'port: `port` takes at least 1, not the number 0'],
    [{ name: 'a', port: 70_000 }, 'port: `port` takes at most 65535, not the number 70000'],
    [{ name: 'a', ratio: 0 }, 'ratio: `ratio` takes more than 0, not the number 0'],
    [{ name: 'a', ratio: 1 }, 'ratio: `ratio` takes less than 1, not the number 1'],
    [{ name: 'a', on: 'yes' }, 'on: `on` takes true or false, not the text "yes"'],
    [{ name: 'a', mode: 'fsat' }, 'mode: `mode` takes one of "fast", "slow", not "fsat" (fast?)'],
    [{ name: 'a', only: 'two' }, 'only: `only` takes only "one", not "two"'],
    [{ name: 'a', wait: '5x' }, 'wait: `wait` takes a duration such as "100ms" or "10s", not "5x"'],
    [
      { name: 'a', wait: 5 },
      'wait: a duration is text: a number and a unit, such as "100ms" or "10s"',
    ],
    [{ name: 'a', list: [] }, 'list: `list` takes a list of at least 1 item, not an empty list'],
    [
      { name: 'a', list: ['a', 'b', 'c'] },
      'list: `list` takes a list of at most 2 items, not a list',
    ],
    [
      { name: 'a', list: ['a', 1] },
      'list[1]: `list[1]` takes text, not the number 1: put it in quotes',
    ],
    [{ name: 'a', list: 'a' }, 'list: `list` takes a list, not "a"'],
    [{ name: 'a', map: { A: 1 } }, 'map.A@key: `A` takes text that matches /^[a-z]+$/, not "A"'],
    [{ name: 'a', map: { b: 'x' } }, 'map.b: `b` takes a number, not the text "x"'],
    [{ name: 'a', code: 'x' }, 'code: `code` takes text that matches /^\\d+$/, not "x"'],
    [{ name: 'a', url: 'x' }, 'url: `url` must be a URL'],
    [{ name: 'a', either: 5 }, 'either: `either` takes text or a mapping, not the number 5'],
    [
      { name: 'a', either: { fil: 'x' } },
      'either.file: `file` is missing',
      'either.fil@key: unknown field `fil` (file?)',
    ],
    [
      { name: 'a', shape: { type: 'cirle' } },
      'shape.type: `type` takes one of "circle", "square", not "cirle" (circle?)',
    ],
    [{ name: 'a', shape: { type: 'circle' } }, 'shape.radius: `radius` is missing'],
    [{ name: 'a', prefix: 'x' }, 'prefix: `prefix` takes text that begins with "/", not "x"'],
    [{ name: 'a', step: 7 }, 'step: `step` takes a multiple of 5, not the number 7'],
    [{ name: 'a', long: 'abcd' }, 'long: `long` takes text of at most 3 characters, not "abcd"'],
    [
      { name: 'a', only: 'x'.repeat(99) },
      `only: \`only\` takes only "one", not "${'x'.repeat(40)}…"`,
    ],
    [
      { name: 'a', prot: 1, hasOwnProperty: 2 },
      'prot@key: unknown field `prot` (port?)',
      'hasOwnProperty@key: unknown field `hasOwnProperty`',
    ],
  ]
  for (const [data, ...lines] of cases) assert.equal(linesOf(data), lines, JSON.stringify(data))
})

test('reports everything at once', () => {
  assert.is(linesOf({ port: 0, on: 1, list: [1, 2], extra: 1, mode: 'x' }).length, 7)
})

test('turns texts from references into what the schema asks for, and no other texts', () => {
  const env = { PORT: '80', ON: 'true', RATIO: '.5', NAME: '12' }
  const data = { name: '${NAME}', port: '${PORT}', on: '${ON}', ratio: '${RATIO}' }
  const checked = checkSpec(schema, target(data, env))
  assert.equal(checked.problems, [])
  assert.equal(checked.output, { name: '12', port: 80, on: true, ratio: 0.5 })
  assert.equal(linesOf({ name: 'a', port: '80' }), [
    'port: `port` takes a number, not the text "80"',
  ])
})

test('keeps what was turned into a number in the data', () => {
  const data = target({ name: 'a', port: '${PORT}' }, { PORT: '80' })
  checkSpec(schema, data)
  assert.equal(data.data, { name: 'a', port: 80 })
})

test('never prints a value that came from a reference', () => {
  const secret = 'hunter2-hunter2'
  const fields = Object.keys(schema.shape).filter((field) => !['name', 'either'].includes(field))
  for (const field of fields) {
    const lines = linesOf({ name: 'a', [field]: '${SECRET}' }, { SECRET: secret })
    assert.is(lines.length, 1, field)
    assert.not.match(lines[0] ?? '', /hunter/)
  }
  assert.equal(linesOf({ name: 'a', port: '${SECRET}', url: '${SECRET}' }, { SECRET: secret }), [
    'port: `port` takes a number, not the value of "${SECRET}"',
    'url: the value of "${SECRET}" is not valid here',
  ])
})

test('reports a missing variable once, not as a wrong type too', () => {
  assert.equal(linesOf({ name: 'a', port: '${PORT}', on: '${ON}', wait: '${WAIT}' }), [])
})

test('takes secrets out of messages of checks', () => {
  const data = target({ name: '${SECRET}' }, { SECRET: 'hunter2' })
  const problem = { path: ['name'], message: 'there is no "hunter2"', suggestion: 'hunter22' }
  assert.equal(redact(problem, data), {
    path: ['name'],
    message: 'there is no "${SECRET}"',
    suggestion: null,
  })
})

test('checks a part of a document without some of its fields', () => {
  const data = target({ filters: [{ kind: 'x', name: 'a', port: '${PORT}' }] }, { PORT: '80' })
  const part = z.strictObject({ port: z.int() })
  assert.equal(checkSpec(part, data, ['filters', 0], ['kind', 'name']).output, { port: 80 })
  const [problem] = checkSpec(part, data, ['filters', 0], ['kind']).problems
  assert.equal(problem?.path, ['filters', 0, 'name'])
})
