import { makeRequest } from '../../host/exchange/request.ts'
import { compiledFixture, type GuestRun, TestGuest } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/text', { timeoutMs: 120_000 })

const run = async (...headers: string[]): Promise<GuestRun> => {
  const guest = await TestGuest.open(await compiledFixture('sdk/assembly/text'))
  const done = await guest.run(makeRequest({ headers }))
  assert.is(done.result, undefined, guest.lines.join())
  return done
}

test('the methods answer as those of a string', async () => {
  const { request } = await run('x-text', 'Hello, World')
  const text = 'Hello, World'
  assert.equal(request.headers.get('x-out')?.split(';'), [
    'length 12',
    'byteAt 72 -1 -1',
    'equals true true false false',
    'ignoreCase true false',
    'startsWith true false true false',
    'endsWith true false false',
    'includes true false true',
    'indexOf 4 8 -1 12',
    'lastIndexOf 8 -1',
    `slice ${text.slice(7)} ${text.slice(-5, -3)} ${text.slice(3, 1)}${text.slice(99)} ${text}`,
    'trim "a b" ""',
    'split [Hello][ World] [He][lo, World] [Hello, World] [Hello, World] 0',
    'concat Hello, World!?',
    `replaceAll ${text.replaceAll('l', 'LL')} Hello,  ${text} ba`,
    'case hello, world',
    'integer -42 -1 7 999999999999999999 -1',
    'bytes He',
    'utf8 2 true 1',
  ])
})

test('every byte a value can have passes unchanged', async () => {
  let bytes = ''
  for (let code = 0x21; code <= 0xff; code++) if (code !== 0x7f) bytes += String.fromCharCode(code)
  const { request } = await run('x-text', 'a', 'x-bytes', bytes)
  assert.is(request.headers.get('x-same'), bytes)
  assert.is(request.headers.get('x-string'), bytes)
  // Only ASCII letters have a case here: what stands above is not known to be letters.
  assert.is(
    request.headers.get('x-lower'),
    bytes.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  )
})
