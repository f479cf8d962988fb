import type { Prng } from '../../support/prng.ts'

/** One of `values`. */
function pick<T>(prng: Prng, values: readonly T[]): T {
  return values[prng.below(values.length)] as T
}

/** Mostly `usual`, now and then one of the doubtful values. */
function mostly(prng: Prng, usual: readonly string[], doubtful: readonly string[]): string {
  return pick(prng, prng.below(8) === 0 ? doubtful : usual)
}

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH']
const ODD_METHODS = ['get', 'G\0T', 'G T', '', 'CONNECT', 'TRACE', 'GET\t', 'A'.repeat(33)]
const TARGETS = ['/', '/a/b?c=d', '/a?x=%20', '/a%41b', '/x/../y', '/./z', '/a//b', '/?', '/a;b=c']
const ODD_TARGETS = [
  '*',
  'a',
  'http://h/p',
  'http://h',
  'http://u@h/',
  '//h/p',
  '/a#b',
  '/a b',
  '/%zz',
  '/%00',
  '/..%2fx',
  '/\xe9',
  '/\\x',
  'h:80',
  '/{a}',
  'https://h:1/p?q',
  '/a|b',
  '',
]
const VERSIONS = ['HTTP/1.1']
const ODD_VERSIONS = ['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.10', 'http/1.1', 'HTTP/1.', 'HTTP/1.2', '']
const ENDS = ['\r\n']
const ODD_ENDS = ['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\0\r\n']
const HOSTS = ['a', 'a:80', 'example.com', '[::1]:8080', '127.0.0.1']
const ODD_HOSTS = ['', 'a, b', 'u@a', 'a:99999', 'a b', 'a/b', 'a\0', '[::1', 'a:', 'A.', 'a%41']
const FIELDS = [
  'X: 1',
  'X:1',
  'x-long-name: some value, with "quotes"',
  'Accept: */*',
  'X: ',
  'X: \t a \t ',
  'Cookie: a=b; c=d',
  'X: a\xffb',
  'Connection: keep-alive',
]
const ODD_FIELDS = [
  'X : 1',
  ' X: 1',
  'X: a\0b',
  'X: a\rb',
  'X: a\x01b',
  'X\xe9: a',
  ': a',
  'X',
  'X(: 1',
  'X: a\r\n b',
  'Connection: close',
  'Connection: X, keep-alive',
  'Expect: 100-continue',
  'Expect: tea',
  'Host: other',
  'TE: trailers',
  'Trailer: X',
  'Upgrade: x',
  'X\x7f: 1',
]
const LENGTHS = ['0', '3', '5', '005']
const ODD_LENGTHS = ['', '+3', '-1', '3, 3', '0x3', '3 3', '3e0', '99999999999999999999', '３']
const CODINGS = ['chunked', 'Chunked']
const ODD_CODINGS = [
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  '',
  'chunked;q=1',
  'xchunked',
  '\x0bchunked',
]
const SIZES = ['3', '03', '3;a=b', '3;a="b"']
const ODD_SIZES = [
  '+3',
  '0x3',
  '3 ',
  ' 3',
  '',
  'g',
  '3;',
  '3;a=',
  '3;a="\r\n"',
  '3;a\n',
  '10000000000000003',
  '4',
  '2',
  '3 ;a=b',
]
const TRAILERS = ['', '', 'X: y\r\n']
const ODD_TRAILERS = ['X y\r\n', 'Content-Length: 3\r\n', 'X: y\n', ' X: y\r\n']

/** A request that is mostly right, and wrong in a place or two where parsers disagree. */
export function makeMessage(prng: Prng): string {
  const end = (): string => (prng.below(40) === 0 ? pick(prng, ODD_ENDS) : (ENDS[0] as string))
  const space = (): string => (prng.below(60) === 0 ? pick(prng, ['  ', '\t', '']) : ' ')
  const method = mostly(prng, METHODS, prng.below(3) === 0 ? ODD_METHODS : METHODS)
  const target = mostly(prng, TARGETS, ODD_TARGETS)
  let text = prng.below(40) === 0 ? pick(prng, ['\r\n', '\n', '\r\n\r\n', ' ']) : ''
  text += method + space() + target + space() + mostly(prng, VERSIONS, ODD_VERSIONS) + end()
  const lines: string[] = []
  if (prng.below(30) > 0) lines.push(`Host:${space()}${mostly(prng, HOSTS, ODD_HOSTS)}`)
  for (let i = prng.below(4); i > 0; i--) {
    lines.push(mostly(prng, FIELDS, ODD_FIELDS))
  }
  let body = ''
  const kind = prng.below(6)
  if (kind <= 1) {
    const length = mostly(prng, LENGTHS, ODD_LENGTHS)
    lines.push(`Content-Length:${space()}${length}`)
    body = 'abcde'.slice(0, prng.below(8) === 0 ? prng.below(6) : Number(length) || 0)
  }
  if (kind === 2 || (kind === 1 && prng.below(12) === 0)) {
    lines.push(`Transfer-Encoding:${space()}${mostly(prng, CODINGS, ODD_CODINGS)}`)
    body = makeChunks(prng, end)
  }
  for (let i = lines.length - 1; i > 0; i--) {
    const other = prng.below(i + 1)
    const line = lines[i] as string
    lines[i] = lines[other] as string
    lines[other] = line
  }
  for (const line of lines) text += line + end()
  return text + end() + body
}

function makeChunks(prng: Prng, end: () => string): string {
  let text = ''
  for (let i = prng.below(3); i > 0; i--) {
    text += mostly(prng, SIZES, ODD_SIZES) + end() + (prng.below(20) === 0 ? 'ab' : 'abc') + end()
  }
  return `${text}${prng.below(20) === 0 ? '00' : '0'}${end()}${mostly(prng, TRAILERS, ODD_TRAILERS)}${end()}`
}

const SHARP = '\r\n\t :;,"\\/%?#*\0\x0b\x7f\x80\xff0159aGgZ'

/** `text` with a few bytes lost, added or changed. */
export function mutate(prng: Prng, text: string): string {
  let mutant = text
  for (let i = prng.below(3) + 1; i > 0; i--) {
    const at = prng.below(mutant.length + 1)
    const byte = SHARP.charAt(prng.below(SHARP.length))
    const kind = prng.below(4)
    if (kind === 0) mutant = mutant.slice(0, at) + mutant.slice(at + 1)
    else if (kind === 1) mutant = mutant.slice(0, at) + byte + mutant.slice(at)
    else if (kind === 2) mutant = mutant.slice(0, at) + byte + mutant.slice(at + 1)
    else {
      const from = prng.below(mutant.length + 1)
      mutant = mutant.slice(0, at) + mutant.slice(from, from + prng.below(20)) + mutant.slice(at)
    }
  }
  return mutant
}
