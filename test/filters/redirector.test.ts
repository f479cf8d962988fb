import { Cleanup } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/redirector')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const MOCK = '\n- { name: mock, kind: Mock, rules: [{ body: on }] }'

async function location(fields: string, path: string): Promise<[number, string | undefined]> {
  const { get } = await startPipeline(
    cleanup,
    `- { name: redirect, kind: Redirector, ${fields} }${MOCK}`,
  )
  const answer = await get(path, { headers: { host: 'site.example' } })
  return [answer.status, answer.headers.location]
}

test('replaces what matches in the URI, the path or the whole URL', async () => {
  assert.equal(await location('match: "^/old/(.*)$", replacement: "/new/$1"', '/old/a?q=1'), [
    301,
    '/new/a?q=1',
  ])
  assert.equal(
    await location(
      'match: "^/a(.*)$", matchPart: PATH, replacement: "/b$1", statusCode: 308',
      '/ax?q',
    ),
    [308, '/bx'],
  )
  assert.equal(
    await location(
      'match: "^http:", matchPart: full, replacement: "https:", statusCode: 302',
      '/x?y=z',
    ),
    [302, 'https://site.example/x?y=z'],
  )
})

test('what does not match goes on, and its result is redirected otherwise', async () => {
  assert.equal(await location('match: "^/old", replacement: /new', '/other'), [200, undefined])
  const { get } = await startPipeline(
    cleanup,
    `- { name: redirect, kind: Redirector, match: "^/old", replacement: /new }
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
    '- { filter: redirect, jumpIf: { redirected: mock } }\n- filter: END\n- filter: mock',
  )
  assert.is((await get('/old')).status, 299)
})

test('a location holds nothing that could end its line', async () => {
  const [status, target] = await location(
    'match: "^/(.*)$", matchPart: path, replacement: "/new/é\\r\\n $1"',
    '/a%20b',
  )
  assert.is(status, 301)
  assert.is(target, '/new/%C3%A9%0D%0A%20a%20b')
})

test('reports a wrong expression, part and status', async () => {
  const messages = await refusal(
    cleanup,
    '- { name: r, kind: Redirector, match: "(", matchPart: host, replacement: "", statusCode: 300 }',
  )
  assert.is(messages.length, 4)
  assert.match(messages.join('\n'), 'missing closing )')
  assert.match(messages.join('\n'), '`matchPart` takes one of "uri", "path", "full", not "host"')
})
