import { silentLogger } from '../../host/observe/log.ts'
import { FUNCTIONS } from '../../host/template/functions/table.ts'
import { compileTemplate } from '../../host/template/template.ts'
import { fromData } from '../../host/template/value.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('template/functions')

type Row = readonly [template: string, expected: string]

function run(source: string, data: unknown = {}): string {
  return compileTemplate(source).run(fromData(data), silentLogger())
}

function check(rows: readonly Row[]): void {
  for (const [source, expected] of rows) assert.is(run(`{{${source}}}`), expected, source)
}

test('text', () => {
  check([
    ['trim "  a b "', 'a b'],
    ['trimAll "$" "$5.00$"', '5.00'],
    ['trimPrefix "-" "-a-"', 'a-'],
    ['trimSuffix "-" "-a-"', '-a'],
    ['upper "aé"', 'AÉ'],
    ['lower "AÉ"', 'aé'],
    ['title "hello wide world"', 'Hello Wide World'],
    ['trunc 5 "hello world"', 'hello'],
    ['trunc -5 "hello world"', 'world'],
    ['substr 0 5 "hello world"', 'hello'],
    ['substr 6 -1 "hello world"', 'world'],
    ['repeat 3 "ab"', 'ababab'],
    ['contains "ell" "hello"', 'true'],
    ['hasPrefix "he" "hello"', 'true'],
    ['hasSuffix "lo" "hello"', 'true'],
    ['quote "a\\"b" 1 nil', '"a\\"b" "1"'],
    ['squote "a" 1', "'a' '1'"],
    ['cat "a" 1 nil "b"', 'a 1 b'],
    ['indent 2 "a\\nb"', '  a\n  b'],
    ['nindent 2 "a"', '\n  a'],
    ['replace "." "$&" "a.b.c"', 'a$&b$&c'],
    ['plural "one" "many" 1', 'one'],
    ['toString 1.5', '1.5'],
    ['toStrings (list 1 nil "a")', '[1 a]'],
    ['join "-" (list 1 2 "x")', '1-2-x'],
    ['(split "$" "a$b")._1', 'b'],
    ['splitn "/" 2 "a/b/c"', 'map[_0:a _1:b/c]'],
    ['splitList "," "a,b,,c"', '[a b  c]'],
    ['sortAlpha (list "c" "a" "b")', '[a b c]'],
  ])
})

test('numbers', () => {
  check([
    ['add 1 2 3', '6'],
    ['add "1" 2.9', '3'],
    ['add1 41', '42'],
    ['sub 5 7', '-2'],
    ['mul 2 3 4', '24'],
    ['div 7 2', '3'],
    ['mod -7 3', '-1'],
    ['max 1 5 3', '5'],
    ['min 4 2 3', '2'],
    ['maxf 1.5 2', '2'],
    ['floor 1.9', '1'],
    ['ceil 1.1', '2'],
    ['round 123.555555 3', '123.556'],
    ['int "12"', '12'],
    ['int64 12.9', '12'],
    ['float64 "1.5"', '1.5'],
    ['atoi "x"', '0'],
    ['toDecimal "777"', '511'],
    ['until 3', '[0 1 2]'],
    ['untilStep 3 9 3', '[3 6]'],
    ['seq 5', '1 2 3 4 5'],
    ['seq 0 2 6', '0 2 4 6'],
    ['seq 2 -2', '2 1 0 -1 -2'],
    ['addf "1.5" 2', '3.5'],
    ['subf 5 1.5', '3.5'],
    ['mulf 2 "1.25"', '2.5'],
    ['divf 1 4', '0.25'],
    ['add 9223372036854775807 1', '-9223372036854775808'],
  ])
  assert.throws(() => run('{{divf 1 0}}'), /the divisor is zero/)
  assert.throws(() => run('{{addf "x" 1}}'), /"x" is not a number/)
  const random = Number(run('{{randInt 5 7}}'))
  assert.ok(random === 5 || random === 6)
})

test('lists', () => {
  check([
    ['list 1 "a" nil', '[1 a <nil>]'],
    ['append (list 1) 2', '[1 2]'],
    ['prepend (list 1) 2', '[2 1]'],
    ['first (list 1 2)', '1'],
    ['last (list 1 2)', '2'],
    ['first (list)', '<no value>'],
    ['rest (list 1 2 3)', '[2 3]'],
    ['initial (list 1 2 3)', '[1 2]'],
    ['reverse (list 1 2 3)', '[3 2 1]'],
    ['uniq (list 1 2 1 "1")', '[1 2 1]'],
    ['without (list 1 2 3) 2', '[1 3]'],
    ['has 2 (list 1 2)', 'true'],
    ['compact (list 0 1 "" "a")', '[1 a]'],
    ['chunk 2 (list 1 2 3)', '[[1 2] [3]]'],
    ['concat (list 1) (list 2 3)', '[1 2 3]'],
    ['slice (list 1 2 3) 1 2', '[2]'],
  ])
})

test('maps', () => {
  check([
    ['dict "a" 1 "b"', 'map[a:1 b:]'],
    ['get (dict "a" 1) "a"', '1'],
    ['get (dict "a" 1) "b"', ''],
    ['hasKey (dict "a" 1) "a"', 'true'],
    ['unset (dict "a" 1 "b" 2) "a"', 'map[b:2]'],
    ['pluck "a" (dict "a" 1) (dict "b" 2) (dict "a" 3)', '[1 3]'],
    ['keys (dict "b" 1 "a" 2)', '[a b]'],
    ['values (dict "b" 1 "a" 2)', '[2 1]'],
    ['pick (dict "a" 1 "b" 2) "a"', 'map[a:1]'],
    ['omit (dict "a" 1 "b" 2) "a"', 'map[b:2]'],
    ['dig "a" "b" "none" (dict "a" (dict "b" 1))', '1'],
    ['dig "a" "x" "none" (dict "a" (dict "b" 1))', 'none'],
    [
      'mergeObject (dict "a" (dict "x" 1) "b" 1) (dict "a" (dict "y" 2) "b" 2) | toJson',
      '{"a":{"x":1,"y":2},"b":2}',
    ],
  ])
})

test('defaults, types and JSON', () => {
  check([
    ['default "d" ""', 'd'],
    ['default "d" "x"', 'x'],
    ['empty (list)', 'true'],
    ['coalesce 0 "" "x"', 'x'],
    ['all 1 "a"', 'true'],
    ['any 0 ""', 'false'],
    ['ternary "yes" "no" true', 'yes'],
    ['typeOf 1.5', 'float64'],
    ['kindOf (dict)', 'map'],
    ['kindIs "slice" (list)', 'true'],
    ['typeIs "string" "a"', 'true'],
    ['deepEqual (list 1 (dict "a" 1)) (list 1 (dict "a" 1))', 'true'],
    ['(fromJson "{\\"a\\": [1, 2.5]}").a', '[1 2.5]'],
    ['fromJson "{"', '<no value>'],
    [
      'toJson (dict "a" "<&>" "b" (list 1 1.5 nil true))',
      '{"a":"\\u003c\\u0026\\u003e","b":[1,1.5,null,true]}',
    ],
    ['toRawJson (dict "a" "<&>")', '{"a":"<&>"}'],
    ['toPrettyJson (dict "a" (list 1))', '{\n  "a": [\n    1\n  ]\n}'],
    ['jsonEscape "a\\"\\n<é"', 'a\\"\\n\\u003cé'],
  ])
  assert.throws(() => run('{{mustFromJson "{"}}'), /not JSON/)
})

test('encodings and checksums', () => {
  check([
    ['b64enc "héllo"', 'aMOpbGxv'],
    ['b64dec "aMOpbGxv"', 'héllo'],
    ['b64dec "***"', 'illegal base64 data'],
    ['b32enc "hello"', 'NBSWY3DP'],
    ['b32enc "hi"', 'NBUQ===='],
    ['b32dec "NBUQ===="', 'hi'],
    ['sha1sum "a"', '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'],
    ['sha256sum ""', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['adler32sum "Wikipedia"', '300286872'],
    ['b64dec "/w==" | b64enc', '/w=='],
    ['urlQueryEscape "a b/é"', 'a+b%2F%C3%A9'],
    ['urlQueryUnescape "a+b%2F%C3%A9"', 'a b/é'],
  ])
  assert.throws(() => run('{{urlQueryUnescape "%zz"}}'), /invalid URL escape/)
})

test('patterns are RE2', () => {
  check([
    ['regexMatch "^a+$" "aaa"', 'true'],
    ['regexFind "[0-9]+" "a12b3"', '12'],
    ['regexFindAll "[0-9]" "a1b2c3" 2', '[1 2]'],
    ['regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W"', '-W-xxW-'],
    ['regexReplaceAllLiteral "a" "banana" "$1"', 'b$1n$1n$1'],
    ['regexSplit "z+" "pizza" -1', '[pi a]'],
    ['regexQuoteMeta "1.2+"', '1\\.2\\+'],
  ])
  assert.throws(() => run('{{regexMatch "(?=a)" "a"}}'), /regular expression/)
})

test('dates by Go’s layouts', () => {
  const at = 1_700_000_000
  check([
    [`dateInZone "2006-01-02T15:04:05Z07:00" ${at} "UTC"`, '2023-11-14T22:13:20Z'],
    [
      `dateInZone "Mon, 02 Jan 2006 3:04PM -0700" ${at} "America/New_York"`,
      'Tue, 14 Nov 2023 5:13PM -0500',
    ],
    [`htmlDateInZone ${at} "UTC"`, '2023-11-14'],
    ['duration 3661', '1h1m1s'],
    ['duration "95"', '1m35s'],
    ['durationRound "2h10m5s"', '2h'],
    ['(toDate "2006-01-02 15:04:05 -0700" "2023-11-14 22:13:20 +0000").Unix', String(at)],
    ['unixEpoch (mustToDate "2006-01-02T15:04:05Z07:00" "2023-11-14T22:13:20Z")', String(at)],
    [
      '(dateModify "-1.5h" (toDate "2006-01-02T15:04:05Z07:00" "2023-11-14T22:13:20Z")).Unix',
      String(at - 5400),
    ],
    ['(toDate "2006-01-02" "2023-13-14").IsZero', 'true'],
  ])
  assert.throws(() => run('{{mustToDate "2006" "x"}}'), /does not fit the layout/)
  const year = String(new Date().getFullYear())
  assert.is(run('{{now | date "2006"}} {{now.Year}}'), `${year} ${year}`)
})

test('URLs, paths and addresses', () => {
  check([
    ['(urlParse "https://u:p@h.example:8443/a%20b?q=1#f").hostname', 'h.example'],
    ['(urlParse "https://u:p@h.example:8443/a%20b?q=1#f").path', '/a b'],
    ['urlJoin (dict "scheme" "http" "host" "h:1" "path" "/p" "query" "q=1")', 'http://h:1/p?q=1'],
    ['base "/a/b.txt"', 'b.txt'],
    ['dir "/a/b.txt"', '/a'],
    ['ext "/a/b.txt"', '.txt'],
    ['clean "/a/../b//c/"', '/b/c'],
    ['isAbs "/a"', 'true'],
    ['host "1.2.3.4:80"', '1.2.3.4'],
    ['port "[::1]:80"', '80'],
    ['host "no port"', ''],
  ])
})

test('random texts have the length that was asked for', () => {
  assert.match(run('{{randAlphaNum 12}}'), /^[A-Za-z0-9]{12}$/)
  assert.match(run('{{randNumeric 4}}'), /^\d{4}$/)
  assert.match(run('{{uuidv4}}'), /^[0-9a-f-]{36}$/)
})

test('log writes to the log of the filter and leaves nothing in the text', () => {
  const lines: string[] = []
  const log = { ...silentLogger(), warn: (message: unknown) => void lines.push(String(message)) }
  assert.is(compileTemplate('a{{log "WARN" "careful"}}b').run({}, log), 'ab')
  assert.equal(lines, ['careful'])
})

test('every function that takes nothing or anything answers or fails in words', () => {
  const log = silentLogger()
  for (const [name, { min }] of FUNCTIONS) {
    for (const value of ['1', '"a"', 'nil', '(list 1)', '(dict "a" 1)', '1.5', 'true']) {
      const args = Array.from({ length: min }, () => value).join(' ')
      try {
        compileTemplate(`{{${name} ${args}}}`).run({}, log)
      } catch (error) {
        assert.is((error as { code?: string }).code, 'TEMPLATE_RUN', `${name} ${args}: ${error}`)
      }
    }
  }
})
