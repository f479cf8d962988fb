import { printed } from '../print.ts'
import { quote } from '../printf.ts'
import { checkListLength, checkTextLength } from '../run-state.ts'
import { compareText, type Dict, newDict, type Value } from '../value.ts'
import { toText, toTexts } from './convert.ts'
import { fn, restFn, type TemplateFunction } from './define.ts'

/** sprig's functions on text. The text comes last, so that it can come from a pipe. */
export const STRING_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  trim: fn(['text'], (text) => text.trim()),
  trimAll: fn(['text', 'text'], (cut, text) => trimSet(text, cut)),
  trimall: fn(['text', 'text'], (cut, text) => trimSet(text, cut)),
  trimPrefix: fn(['text', 'text'], (prefix, text) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  ),
  trimSuffix: fn(['text', 'text'], (suffix, text) =>
    suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  upper: fn(['text'], (text) => text.toUpperCase()),
  lower: fn(['text'], (text) => text.toLowerCase()),
  title: fn(['text'], title),
  trunc: fn(['int', 'text'], truncate),
  substr: fn(['int', 'int', 'text'], substring),
  repeat: fn(['int', 'text'], (count, text) => {
    checkTextLength(Math.max(count, 0) * text.length)
    return text.repeat(Math.max(count, 0))
  }),
  contains: fn(['text', 'text'], (part, text) => text.includes(part)),
  hasPrefix: fn(['text', 'text'], (prefix, text) => text.startsWith(prefix)),
  hasSuffix: fn(['text', 'text'], (suffix, text) => text.endsWith(suffix)),
  quote: restFn([], (_, values) => present(values).map(toText).map(quote).join(' ')),
  squote: restFn([], (_, values) =>
    present(values)
      .map((value) => `'${printed(value)}'`)
      .join(' '),
  ),
  cat: restFn([], (_, values) => present(values).map(printed).join(' ')),
  indent: fn(['int', 'text'], indent),
  nindent: fn(['int', 'text'], (spaces, text) => `\n${indent(spaces, text)}`),
  replace: fn(['text', 'text', 'text'], replace),
  plural: fn(['text', 'text', 'int'], (one, many, count) => (count === 1 ? one : many)),
  toString: fn(['any'], toText),
  toStrings: fn(['any'], toTexts),
  join: fn(['text', 'any'], join),
  split: fn(['text', 'text'], (separator, text) => numbered(splitText(text, separator))),
  splitn: fn(['text', 'int', 'text'], (separator, count, text) =>
    numbered(splitText(text, separator, count)),
  ),
  splitList: fn(['text', 'text'], (separator, text) => splitText(text, separator)),
  sortAlpha: fn(['any'], (list) => toTexts(list).sort(compareText)),
}

function present(values: readonly Value[]): Value[] {
  return values.filter((value) => value !== undefined && value !== null)
}

function trimSet(text: string, cut: string): string {
  const signs = new Set(cut)
  const points = [...text]
  let start = 0
  let end = points.length
  while (start < end && signs.has(points[start] ?? '')) start += 1
  while (end > start && signs.has(points[end - 1] ?? '')) end -= 1
  return points.slice(start, end).join('')
}

/** Go's strings.Title: the first letter of every word. */
function title(text: string): string {
  return text.replace(
    /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  )
}

/** Go counts bytes; for text in ASCII that is the same as characters. */
function truncate(count: number, text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  if (count < 0) {
    return bytes.length + count > 0 ? bytes.subarray(bytes.length + count).toString('utf8') : text
  }
  return bytes.length > count ? bytes.subarray(0, count).toString('utf8') : text
}

function substring(start: number, end: number, text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  if (start < 0) return bytes.subarray(0, Math.max(end, 0)).toString('utf8')
  const to = end < 0 || end > bytes.length ? bytes.length : end
  return bytes.subarray(start, to).toString('utf8')
}

function indent(spaces: number, text: string): string {
  const count = Math.max(spaces, 0)
  checkTextLength(count)
  const pad = ' '.repeat(count)
  return pad + replace('\n', `\n${pad}`, text)
}

/** Counts first: a short text with a long replacement can become as long as nobody can hold. */
function replace(from: string, to: string, text: string): string {
  if (to.length > from.length) {
    const count = text.split(from).length - 1
    checkTextLength(text.length + count * (to.length - from.length))
  }
  return text.replaceAll(from, () => to)
}

function join(separator: string, list: Value): string {
  const texts = toTexts(list)
  let length = 0
  for (const text of texts) length += text.length + separator.length
  checkTextLength(length)
  return texts.join(separator)
}

/** Go's SplitN: at most `count` parts, all of them when it is negative, none for 0. */
function splitText(text: string, separator: string, count = -1): string[] {
  if (count === 0) return []
  const parts = separator === '' ? [...text] : text.split(separator)
  checkListLength(parts.length)
  if (count < 0 || parts.length <= count) return parts
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)]
}

/** sprig's split makes a map: `_0`, `_1`, … */
function numbered(parts: readonly string[]): Dict {
  const dict = newDict()
  for (const [index, part] of parts.entries()) dict[`_${index}`] = part
  return dict
}
