import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { Body } from '../../host/exchange/body.ts'
import { acceptsGzip, GZIP_IN_PLACE_BYTES, gzipBody } from '../../host/exchange/gzip.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('exchange/gzip')

test('quality values decide whether gzip is taken', () => {
  const taken = [
    'gzip',
    'GZIP',
    'x-gzip',
    'deflate, gzip',
    'gzip;q=0.001',
    'gzip; q=1.000',
    '*',
    'identity;q=0.5, *;q=0.7',
    'br;q=1, gzip;q=0.2, identity;q=0.1',
    'gzip;q=1, identity',
  ]
  const refused = [
    undefined,
    '',
    'br',
    'identity',
    'gzip;q=0',
    'gzip;q=0.000',
    '*;q=0',
    'gzip;q=0, *',
    'gzip;q=0.4, identity;q=0.5',
    'gzip;q=2',
    'gzip;q=x',
    'gzipped',
  ]
  for (const field of taken) assert.ok(acceptsGzip(field), field)
  for (const field of refused) assert.not(acceptsGzip(field), field)
})

test('a body that is compressed and inflated is the same, whole or streamed, whatever its pieces', async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), async (list, isWhole) => {
      const bytes = Buffer.concat(list)
      let source = Body.bytes(bytes)
      if (!isWhole) {
        source = Body.stream({
          resume: () => undefined,
          pause: () => undefined,
          cancel: () => undefined,
        })
        queueMicrotask(() => {
          for (const piece of list) source.push(Buffer.from(piece))
          source.end()
        })
      }
      const zipped = await gzipBody(source).collect()
      const inflated = isWhole && bytes.length === 0 ? zipped : gunzipSync(zipped)
      assert.equal(inflated, bytes)
    }),
    { numRuns: 60 },
  )
})

test('a short whole body has its length again, a long one streams', () => {
  assert.ok(gzipBody(Body.bytes(Buffer.alloc(GZIP_IN_PLACE_BYTES))).isWhole)
  const long = gzipBody(Body.bytes(Buffer.alloc(GZIP_IN_PLACE_BYTES + 1)))
  assert.not(long.isWhole)
  assert.is(long.announcedLength, -1)
  long.cancel(new Error('not read'))
})

test('a producer that breaks off breaks the compressed body off', async () => {
  const source = Body.stream({
    resume: () => undefined,
    pause: () => undefined,
    cancel: () => undefined,
  })
  const zipped = gzipBody(source)
  source.push(Buffer.from('part'))
  source.fail(new Error('broken'))
  let reason = ''
  await Promise.resolve(zipped.collect()).catch((error: Error) => {
    reason = error.message
  })
  assert.is(reason, 'broken')
})

test('whoever does not want the rest stops the producer', async () => {
  let canceled = ''
  const source = Body.stream({
    resume: () => undefined,
    pause: () => undefined,
    cancel: (error) => {
      canceled = error.message
    },
  })
  gzipBody(source).cancel(new Error('enough'))
  assert.is(canceled, 'enough')
})
