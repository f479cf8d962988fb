import fc from 'fast-check'
import { formatNumber, parseFloat64, parseInteger } from '../../../host/wasm/data/numbers.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/data/numbers')

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

test('every 64-bit integer reads back as itself', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (number) => {
      assert.is(parseInteger(formatNumber(number)), number)
    }),
  )
})

test('every finite number reads back as itself', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      assert.is(parseFloat64(formatNumber(number)), number === 0 ? 0 : number)
    }),
  )
})

test('what is no number is none', () => {
  for (const text of [
    '',
    ' 1',
    '1 ',
    '0x10',
    '1_0',
    'NaN',
    'Infinity',
    '1e',
    '+',
    '9'.repeat(30),
  ]) {
    assert.is(parseInteger(bytes(text)), null, text)
  }
  for (const text of ['', ' 1', '0x10', 'NaN', 'Infinity', '1e999', 'e5', '.', '+']) {
    assert.is(parseFloat64(bytes(text)), null, text)
  }
  assert.is(parseInteger(bytes('+7')), 7n)
  assert.is(parseInteger(bytes('9223372036854775808')), null)
  assert.is(parseFloat64(bytes('.5')), 0.5)
  assert.is(parseFloat64(bytes('1.e3')), 1000)
})
