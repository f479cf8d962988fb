import fc from 'fast-check'
import { type ConfigDocument, parseDocuments } from '../../host/config/document.ts'
import { formatIssue } from '../../host/config/issues.ts'
import { z } from '../../host/config/schema.ts'
import { SourceCache } from '../../host/control/source-cache.ts'
import {
  applyChange,
  type Validated,
  validateChange,
  validateDocuments,
} from '../../host/control/validate.ts'
import { ValidationCache } from '../../host/control/validation-cache.ts'
import { ValidationState } from '../../host/control/validation-state.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('control/validation-cache')

/** How often the schema of a filter was applied. */
let checks = 0
const filterKinds = [
  {
    kind: 'Counted',
    results: [],
    spec: z.strictObject({ text: z.string().default('') }).superRefine(() => {
      checks += 1
    }),
  },
]

const pipeline = (name: string, rest = '') =>
  `kind: Pipeline\nname: ${name}\nfilters: [{ name: a, kind: Counted }${rest}]\n`
const server = (name: string, ...backends: string[]) =>
  `kind: HTTPServer\nname: ${name}\nport: 10080\nrules:\n  - paths:\n${backends
    .map((backend) => `      - { pathPrefix: /${backend}, backend: ${backend} }\n`)
    .join('')}`

function documentsOf(texts: readonly string[], cache = new SourceCache()): ConfigDocument[] {
  const sources = texts.map((text, i) => ({ file: `${i}.yaml`, baseDir: '/conf', text }))
  return cache.parse(sources).flatMap(({ documents }) => documents)
}

function validate(
  documents: readonly ConfigDocument[],
  cache?: ValidationCache,
  env: Record<string, string> = {},
): Validated {
  const validated = validateDocuments({
    documents,
    kinds: OBJECT_SPECS,
    filterKinds,
    lookups: { env, readFile: null },
    ...(cache === undefined ? {} : { cache }),
  })
  for (const document of documents) document.rest?.()
  return validated
}

const linesOf = ({ issues }: Validated): string[] => issues.map(formatIssue)

test('a document that has been validated is not validated again, and its object stays the same one', () => {
  const cache = new ValidationCache()
  const sources = new SourceCache()
  const texts = [server('s', 'a', 'b'), pipeline('a'), pipeline('b')]
  const first = validate(documentsOf(texts, sources), cache)
  checks = 0
  const second = validate(documentsOf(texts, sources), cache)
  assert.is(checks, 0)
  for (const [i, object] of second.objects.entries()) assert.is(object, first.objects[i])
  const changed = [texts[0] ?? '', pipeline('a', ', { name: b, kind: Counted }'), texts[2] ?? '']
  const third = validate(documentsOf(changed, sources), cache)
  assert.is(checks, 2)
  assert.is(third.objects[0], second.objects[0])
  assert.not(third.objects[1] === second.objects[1])
  assert.is(third.objects[2], second.objects[2])
})

test('a reference is looked at again when what it leads to has gone, changed its kind or come back', () => {
  const cache = new ValidationCache()
  const [s, a, other] = documentsOf([server('s', 'a'), pipeline('a'), server('a', 'b')])
  const documents = (...list: (ConfigDocument | undefined)[]) =>
    list.filter((one) => one !== undefined)
  assert.equal(linesOf(validate(documents(s, a), cache)), [])
  assert.match(linesOf(validate(documents(s), cache)).join(), 'there is no Pipeline "a"')
  assert.match(linesOf(validate(documents(s, other), cache)).join(), '"a" is a HTTPServer')
  assert.equal(linesOf(validate(documents(s, a), cache)), [])
})

test('a name that is taken is found among documents that were fine alone', () => {
  const cache = new ValidationCache()
  const [one, two] = documentsOf([pipeline('a'), `# first\n${pipeline('a')}`])
  if (one === undefined || two === undefined) throw new Error('two documents')
  validate([one], cache)
  validate([two], cache)
  const lines = linesOf(validate([one, two], cache))
  assert.is(lines.length, 1)
  assert.match(lines[0] ?? '', /^1\.yaml:3:7: .*"a" is the name of another object.*0\.yaml:2/)
})

test('what comes from outside is looked up every time', () => {
  const cache = new ValidationCache()
  const documents = documentsOf([
    pipeline('a', ', { name: b, kind: Counted, text: "${env:TEXT}" }'),
  ])
  const textOf = (env: Record<string, string>): unknown =>
    JSON.stringify(validate(documents, cache, env).objects[0]?.resolved).includes('second')
  assert.is(textOf({ TEXT: 'first' }), false)
  assert.is(textOf({ TEXT: 'second' }), true)
})

test('a warning is given every time', () => {
  const cache = new ValidationCache()
  const unused =
    'kind: Pipeline\nname: a\nflow: [{ filter: a }]\nfilters:\n  - { name: a, kind: Counted }\n  - { name: b, kind: Counted }\n'
  const documents = documentsOf([unused])
  const lines = linesOf(validate(documents, cache))
  assert.is(lines.length, 1)
  assert.equal(linesOf(validate(documents, cache)), lines)
})

test('a text that has not changed keeps its documents, also when others come and go', () => {
  const cache = new SourceCache()
  const [first] = documentsOf([pipeline('a')], cache)
  const [same, added] = documentsOf([pipeline('a'), pipeline('b')], cache)
  assert.is(same, first)
  const [again] = documentsOf([pipeline('a')], cache)
  assert.is(again, first)
  assert.not(documentsOf([pipeline('a'), pipeline('b')], cache)[1] === added)
})

test('places are found again in a text whose trees have been given up', () => {
  const text = 'a: 1\n---\nb:\n  - &x { c: 1 }\n  - *x\n'
  const { documents } = parseDocuments({ file: 'x.yaml', baseDir: '', text })
  const places = () =>
    documents.flatMap((document) =>
      [['a'], ['b', 0, 'c'], ['b', 1, 'c'], ['nope']].map((path) => document.locate(path)),
    )
  const before = places()
  for (const document of documents) document.rest?.()
  assert.equal(places(), before)
})

test('with and without a memory every sequence of configurations comes to the same', () => {
  const names = ['a', 'b', 'c']
  const object = fc.oneof(
    fc.constantFrom(...names).map((name) => pipeline(name)),
    fc
      .record({ name: fc.constantFrom('s', ...names), to: fc.subarray(names) })
      .map(({ name, to }) => server(name, ...to)),
  )
  const pool = fc.array(object, { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(
      pool,
      fc.array(fc.array(fc.nat(5), { maxLength: 6 }), { maxLength: 6 }),
      (texts, rounds) => {
        const documents = documentsOf(texts)
        const cache = new ValidationCache()
        for (const round of rounds) {
          const chosen = [...new Set(round)].flatMap((i) => documents[i] ?? [])
          const remembered = validate(chosen, cache)
          const fresh = validate(chosen)
          assert.equal(linesOf(remembered), linesOf(fresh))
          assert.equal(
            remembered.objects.map(({ spec }) => spec),
            fresh.objects.map(({ spec }) => spec),
          )
        }
      },
    ),
    { numRuns: 60 },
  )
})

const change = { kinds: OBJECT_SPECS, filterKinds, lookups: { env: {}, readFile: null } }

test('a change looks at what comes and at what it touches, however many others there are', () => {
  const others = Array.from({ length: 500 }, (_, i) => pipeline(`other-${i}`))
  const documents = documentsOf([server('s', 'a'), pipeline('a'), ...others])
  const state = new ValidationState(validate(documents).checks)
  checks = 0
  const [next] = documentsOf([pipeline('a', ', { name: b, kind: Counted }')])
  const [s, a] = documents
  if (next === undefined || s === undefined || a === undefined) throw new Error('documents')
  const validated = validateChange(change, state, { added: [next], removed: [a] })
  assert.is(checks, 2)
  assert.equal(
    validated.objects.map(({ name }) => name),
    ['a'],
  )
  // Without "a" the server has to be looked at again, and is found wrong.
  const without = validateChange(change, state, { added: [], removed: [a] })
  assert.match(linesOf(without).join(), 'there is no Pipeline "a"')
})

test('any sequence of changes comes to what validating everything again comes to', () => {
  const names = ['a', 'b', 'c']
  const object = fc.oneof(
    fc.constantFrom(...names).map((name) => pipeline(name)),
    fc
      .record({ name: fc.constantFrom('s', ...names), to: fc.subarray(names) })
      .map(({ name, to }) => server(name, ...to)),
  )
  const steps = fc.array(
    fc.record({
      put: fc.array(object, { maxLength: 3 }),
      drop: fc.subarray(['s', ...names], { maxLength: 2 }),
    }),
    { maxLength: 8 },
  )
  const nameIn = (document: ConfigDocument): string => String(document.data['name'])
  fc.assert(
    fc.property(steps, (list) => {
      const state = new ValidationState()
      let running = new Map<string, ConfigDocument>()
      for (const { put, drop } of list) {
        const added = [...new Map(documentsOf(put).map((one) => [nameIn(one), one])).values()]
        const touched = new Set([...drop, ...added.map(nameIn)])
        const removed = [...touched].flatMap((name) => running.get(name) ?? [])
        const next = new Map(running)
        for (const name of drop) next.delete(name)
        for (const document of added) next.set(nameIn(document), document)
        const alone = validateChange(change, state, { added, removed })
        const whole = validate([...next.values()])
        const messagesOf = ({ issues }: Validated) => issues.map(({ message }) => message).sort()
        assert.equal(messagesOf(alone), messagesOf(whole))
        if (alone.issues.length > 0) continue
        applyChange(state, { added, removed }, alone)
        running = next
        for (const [document, { object: wanted }] of whole.checks) {
          assert.equal(state.checkOf(document)?.object.spec, wanted.spec)
        }
      }
    }),
    { numRuns: 150 },
  )
})
