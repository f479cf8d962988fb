import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { checkTextLength } from '../run-state.ts'
import { fn, type TemplateFunction } from './define.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'

/** sprig's random texts, from the system's generator. */
export const RANDOM_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  uuidv4: fn([], () => randomUUID()),
  randAlpha: fn(['int'], (count) => pick(LETTERS, count)),
  randNumeric: fn(['int'], (count) => pick(DIGITS, count)),
  randAlphaNum: fn(['int'], (count) => pick(LETTERS + DIGITS, count)),
  randAscii: fn(['int'], (count) => pick(PRINTABLE, count)),
  randBytes: fn(['int'], (count) => {
    checkTextLength(count * 64)
    return randomBytes(Math.max(count, 0)).toString('base64')
  }),
}

const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i)).join('')

function pick(signs: string, count: number): string {
  // Every character costs a call: far fewer than a text may have.
  checkTextLength(count * 64)
  let text = ''
  for (let i = 0; i < count; i++) text += signs[randomInt(signs.length)]
  return text
}
