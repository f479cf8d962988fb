import { GatewayError } from '../../host/errors.ts'
import { silentLogger } from '../../host/observe/log.ts'
import { parseJsonBody } from '../../host/template/json-text.ts'
import { compileTemplate, type TemplateOptions } from '../../host/template/template.ts'
import { fromData, type Value } from '../../host/template/value.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('template/template')

function run(source: string, data: unknown = {}, options: TemplateOptions = {}): string {
  return compileTemplate(source, options).run(fromData(data), silentLogger())
}

/** The reason of a failure. */
function failure(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof GatewayError) return error.message
    throw error
  }
  throw new Error('it did not fail')
}

type Row = readonly [template: string, expected: string, data?: unknown]

function check(rows: readonly Row[]): void {
  for (const [template, expected, data] of rows) {
    assert.is(run(template, data), expected, template)
  }
}

test('texts and actions stand where they were written', () => {
  check([
    ['', ''],
    ['plain', 'plain'],
    ['a{{1}}b{{"c"}}d', 'a1bcd'],
    ['{{`raw\n"text"`}}', 'raw\n"text"'],
    ["{{'a'}}{{'\\n'}}", '9710'],
    ['{{true}} {{1.5}} {{0x1F}} {{1_000}} {{010}}', 'true 1.5 31 1000 8'],
    ['{{/* nothing */}}x', 'x'],
    ['{{.}}', 'map[a:1 b:[1 2]]', { b: [1, 2], a: 1 }],
  ])
})

test('minus signs take the blanks around an action away', () => {
  check([
    ['a \n {{- 1 -}} \n b', 'a1b'],
    ['a {{- /* c */ -}} b', 'ab'],
    ['{{1 -}}  x', '1x'],
    ['{{ -1 }}', '-1'],
    ['{{- "x"}}', 'x'],
  ])
})

test('delimiters can be others', () => {
  const options = { leftDelim: '[[', rightDelim: ']]' }
  assert.is(run('{{a}} [[.x]]', { x: 1 }, options), '{{a}} 1')
  assert.is(run('{{.x}}', { x: 1 }, { leftDelim: '', rightDelim: '' }), '1')
})

test('fields, missing ones and nil print as Go prints them', () => {
  check([
    ['{{.a.b}}', '1', { a: { b: 1 } }],
    ['{{.x}} {{.x.y.z}}', '<no value> <no value>'],
    ['{{.n}}', '<no value>', { n: null }],
    ['{{.l}}', '[a <nil> map[k:v]]', { l: ['a', null, { k: 'v' }] }],
    ['{{(index .l 1).k}}', 'v', { l: [0, { k: 'v' }] }],
    ['{{$.a}}{{$x := .a}}{{$x}}', '11', { a: 1 }],
  ])
  assert.match(
    failure(() => run('{{.n.x}}', { n: null })),
    'nil has no field "x"',
  )
  assert.match(
    failure(() => run('{{.n.x}}', { n: 5 })),
    'of the type int has no field',
  )
})

test('floats print with Go’s exponents', () => {
  check([
    [
      '{{1.0}} {{1e3}} {{1e6}} {{123456789.0}} {{0.00001}} {{1.5e-5}}',
      '1 1000 1e+06 1.23456789e+08 1e-05 1.5e-05',
    ],
    ['{{addf 0.1 0.2}} {{divf 1 3}}', '0.30000000000000004 0.3333333333333333'],
    ['{{float64 100000}} {{mulf 1000 1000}}', '100000 1e+06'],
  ])
})

test('if, else if and with follow Go’s truth', () => {
  check([
    ['{{if .a}}yes{{else}}no{{end}}', 'no', { a: 0 }],
    ['{{if .a}}1{{else if .b}}2{{else}}3{{end}}', '2', { a: '', b: [0] }],
    ['{{if not .a}}none{{end}}', 'none', { a: {} }],
    ['{{with .a}}{{.b}}{{end}}', '1', { a: { b: 1 } }],
    ['{{with .x}}a{{else with .y}}{{.}}{{else}}c{{end}}', 'why', { y: 'why' }],
    ['{{with $v := .a}}{{$v}}{{.}}{{end}}', '11', { a: 1 }],
    ['{{if and .a (or .b .c)}}x{{end}}', 'x', { a: 1, c: 1 }],
  ])
})

test('and and or stop at the argument that decides', () => {
  check([
    ['{{and 0 (fail "never")}}', '0'],
    ['{{or "a" (fail "never")}}', 'a'],
    ['{{or .x .y "z"}}', 'z'],
    ['{{and 1 2 3}}', '3'],
    ['{{"x" | or .a}}', 'x'],
  ])
})

test('range goes through lists, maps in order of keys, and numbers', () => {
  check([
    ['{{range .}}{{.}},{{end}}', '1,2,', [1, 2]],
    ['{{range $i, $v := .}}{{$i}}={{$v}} {{end}}', '0=a 1=b ', ['a', 'b']],
    ['{{range $k, $v := .}}{{$k}}={{$v}} {{end}}', 'a=1 b=2 ', { b: 2, a: 1 }],
    ['{{range $v := .}}{{$v}}{{end}}', '12', [1, 2]],
    ['{{range 3}}{{.}}{{end}}', '012'],
    ['{{range .x}}a{{else}}empty{{end}}', 'empty'],
    [
      '{{range .}}{{if eq . 2}}{{continue}}{{end}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}',
      '13',
      [1, 2, 3, 4, 5],
    ],
    ['{{$x := 0}}{{range .}}{{$x = add $x .}}{{end}}{{$x}}', '6', [1, 2, 3]],
    ['{{range .}}{{range .}}{{.}}{{break}}{{end}};{{end}}', '1;3;', [[1, 2], [3]]],
  ])
})

test('templates are defined, called and may be blocks', () => {
  check([
    ['{{define "t"}}<{{.}}>{{end}}{{template "t" .a}}{{template "t" 2}}', '<1><2>', { a: 1 }],
    ['{{template "t"}}{{define "t"}}x{{.}}{{end}}', 'x<no value>'],
    ['{{block "b" .a}}[{{.}}]{{end}}', '[1]', { a: 1 }],
    [
      '{{define "t"}}{{if gt . 0}}{{.}}{{template "t" sub . 1}}{{end}}{{end}}{{template "t" 3}}',
      '321',
    ],
    ['{{define "t"}}{{$x := 1}}{{$x}}{{end}}{{$x := 2}}{{template "t"}}{{$x}}', '12'],
  ])
})

test('values go through pipes as the last argument', () => {
  check([
    ['{{"a" | printf "%s-%s" "b"}}', 'b-a'],
    ['{{.x | default "d" | upper}}', 'D'],
    ['{{(printf "%d" 3) | len}}', '1'],
    ['{{"x" | eq "x"}}', 'true'],
  ])
})

test('comparisons are Go’s: types must agree, numbers of JSON compare with all', () => {
  check([
    [
      '{{eq 1 1}} {{eq 1 2 1}} {{ne "a" "b"}} {{lt 1 2}} {{ge 1.5 1.5}} {{le "a" "b"}}',
      'true true true true true true',
    ],
    ['{{eq .x nil}} {{eq .a "1"}}', 'true true', { a: '1' }],
  ])
  const json = parseJsonBody('{"n": 5, "big": 12345678901234567890, "f": 1.50}')
  const with_ = (source: string): string => compileTemplate(source).run(json, silentLogger())
  assert.is(with_('{{eq .n 5}} {{lt .n 6.5}} {{eq .n "5"}} {{gt .big .n}}'), 'true true true true')
  assert.is(
    with_('{{.n}} {{.big}} {{.f}} {{addf .n .f}} {{toJson .}}'),
    '5 12345678901234567890 1.50 6.5 {"big":12345678901234567890,"f":1.50,"n":5}',
  )
  assert.match(
    failure(() => run('{{eq 1 1.0}}')),
    'int and float64 cannot be compared',
  )
  assert.match(
    failure(() => run('{{lt . 1}}', {})),
    'cannot be compared',
  )
})

test('index, slice and len work on lists, maps, text and bytes', () => {
  check([
    ['{{index . 1}}', 'b', ['a', 'b']],
    ['{{index .m "k" 0}}', 'v', { m: { k: ['v'] } }],
    ['{{index . "none"}}', '<no value>'],
    ['{{slice "abcdef" 1 3}} {{slice "abc" 1}}', 'bc bc'],
    ['{{slice . 1}}', '[2 3]', [1, 2, 3]],
    ['{{len "héé"}} {{len .}}', '5 2', { a: 1, b: 2 }],
    ['{{index "abc" 0}}', '97'],
  ])
  assert.match(
    failure(() => run('{{index . 5}}', [1])),
    'index out of range: 5 of 1',
  )
  assert.match(
    failure(() => run('{{len 3}}')),
    'len of type int',
  )
})

test('printf follows Go, its complaints too', () => {
  check([
    [
      '{{printf "%d|%5d|%-5d|%05d|%+d|%x|%X|%#x|%b|%o|%c|%U" 42 42 42 42 42 255 255 255 5 8 65 65}}',
      '42|   42|42   |00042|+42|ff|FF|0xff|101|10|A|U+0041',
    ],
    [
      '{{printf "%s|%q|%8s|%-8s|%.2s|%x" "go" "a\\"b" "go" "go" "golang" "go"}}',
      'go|"a\\"b"|      go|go      |go|676f',
    ],
    [
      '{{printf "%f|%.2f|%8.3f|%e|%g|%t|%v|%%" 1.5 1.255 1.5 1500.0 1e21 true .}}',
      '1.500000|1.25|   1.500|1.500000e+03|1e+21|true|map[]|%',
    ],
    [
      '{{printf "%d" "x"}} {{printf "%s" 1}} {{printf "%d"}} {{printf "x" 1}}',
      '%!d(string=x) %!s(int=1) %!d(MISSING) x%!(EXTRA int=1)',
    ],
    ['{{printf "%[2]s %[1]s" "a" "b"}} {{printf "%*d" 5 42}}', 'b a    42'],
    ['{{printf "%v %T %v" nil 1 "s"}}', '<nil> int s'],
    ['{{print 1 2 "a" 3 4}} {{println "a" 1}}', '1 2a3 4 a 1\n'],
    ['{{printf "%6.2f%%" 12.345}}', ' 12.35%'],
  ])
})

test('html, js and urlquery escape', () => {
  check([
    ['{{html "<a href=\'x\'>&\\"</a>"}}', '&lt;a href=&#39;x&#39;&gt;&amp;&#34;&lt;/a&gt;'],
    ['{{js "it\'s <b>\\n=&"}}', "it\\'s \\u003Cb\\u003E\\u000A\\u003D\\u0026"],
    ['{{urlquery "a b&c=d/é*"}}', 'a+b%26c%3Dd%2F%C3%A9%2A'],
  ])
})

test('what is wrong is found when the template is read, with its line', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['a\n{{if}}x{{end}}', 'line 2 of the template: missing value for if'],
    ['{{if .a}}', 'has no {{end}}'],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{.a', 'unclosed action'],
    ['{{"a}}', 'unterminated quoted string'],
    ['{{$x}}', 'undefined variable "$x"'],
    ['{{if $x := 1}}{{end}}{{$x}}', 'undefined variable "$x"'],
    ['{{uper "a"}}', 'there is no function "uper" (did you mean "upper"?)'],
    ['{{env "HOME"}}', '${env:NAME}'],
    ['{{trim}}', 'trim takes 1 argument, not 0'],
    ['{{trim "a" "b"}}', 'trim takes 1 argument, not 2'],
    ['{{"a" | "b"}}', 'a constant after | cannot take a value'],
    ['{{1 2}}', 'what is no function cannot be given arguments'],
    ['{{template "t"}}', 'template "t" is not defined'],
    ['{{break}}', '{{break}} outside {{range}}'],
    ['{{nil}}', 'nil is not a command'],
    ['{{(1}}', 'unclosed left parenthesis'],
    ['{{.a | }}', 'missing value for a command'],
    ['{{define "a"}}x{{end}}{{define "a"}}y{{end}}', 'defined twice'],
    ['{{99999999999999999999}}', 'integer overflow'],
    ['{{"\\q"}}', 'an escape that Go does not know'],
  ]
  for (const [source, reason] of rows) {
    const message = failure(() => compileTemplate(source))
    assert.ok(message.includes(reason), `${source}: ${message}`)
  }
})

test('a failure names the line, and a template can fail on purpose', () => {
  assert.is(
    failure(() => run('a\n\n{{fail "no luck"}}')),
    'the template failed: line 3: fail: no luck',
  )
  assert.match(
    failure(() => run('{{panic .a}}', { a: 1 })),
    'panic: 1',
  )
  assert.match(
    failure(() => run('{{div 1 0}}')),
    'the divisor is zero',
  )
})

test('no prototype can be reached and no data changed', () => {
  check([
    ['{{.constructor}} {{.__proto__}} {{index . "toString"}}', '<no value> <no value> <no value>'],
    ['{{$d := dict "__proto__" "x"}}{{$d}} {{hasKey . "valueOf"}}', 'map[__proto__:x] false'],
    ['{{$d := set (dict "a" 1) "b" 2}}{{$d}}', 'map[a:1 b:2]'],
  ])
  assert.match(
    failure(() => run('{{set . "a" 1}}', { a: 2 })),
    'maps made by dict only',
  )
})

test('steps, output, depth and lists have limits', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['{{range 100000}}{{range 100000}}{{end}}{{end}}', 'more than 1000000 steps'],
    ['{{range 100000}}{{repeat 100 "0123456789"}}{{end}}', 'more than 4194304 characters'],
    ['{{repeat 999999999 "x"}}', 'more than 4194304 characters'],
    ['{{define "t"}}{{template "t"}}{{end}}{{template "t"}}', 'more than 100 deep'],
    ['{{until 200000}}', 'more than 100000 elements'],
    [
      '{{$x := "xxxxxxxxxxxxxxxx"}}{{range 100}}{{$x = print $x $x}}{{end}}',
      'more than 4194304 characters',
    ],
    ['{{$d := dict}}{{$_ := set $d "d" $d}}{{$d}}', 'nested too deep'],
    ['{{$d := dict}}{{$_ := set $d "d" $d}}{{toJson $d}}', 'nested too deep'],
    [
      '{{$l := list 1}}{{range 60}}{{$l = list $l $l}}{{end}}{{$l}}',
      'more than 4194304 characters',
    ],
    ['{{$l := until 90000}}{{uniq $l}}', 'more than 1000000 steps'],
    ['{{replace "" (repeat 4000 "x") (repeat 4000 "y")}}', 'more than 4194304 characters'],
    [
      '{{printf "%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d%99999d" 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1}}',
      'more than 4194304 characters',
    ],
  ]
  for (const [source, reason] of rows) {
    const startedAt = performance.now()
    const message = failure(() => run(source))
    assert.ok(message.includes(reason), `${source.slice(0, 60)}: ${message}`)
    assert.ok(performance.now() - startedAt < 10_000, `${source.slice(0, 60)} took long`)
  }
  assert.match(
    failure(() => compileTemplate('{{if 1}}'.repeat(300))),
    'nested too deep',
  )
  assert.match(
    failure(() => compileTemplate(`{{${'('.repeat(300)}1${')'.repeat(300)}}}`)),
    'nested too deep',
  )
})

test('a template says whose bodies it reads', () => {
  const reads = (source: string): unknown => {
    const { requestBodies, responseBodies } = compileTemplate(source).reads
    return [requestBodies && [...requestBodies], responseBodies && [...responseBodies]]
  }
  assert.equal(reads('{{.req.Method}}'), [[], []])
  assert.equal(reads('{{.req.Body}}{{.responses.a.JSONBody.x}}'), [['DEFAULT'], ['a']])
  assert.equal(reads('{{if .x}}{{$.requests.b.RawBody}}{{end}}'), [['b'], []])
  assert.equal(reads('{{range .responses}}{{.Body}}{{end}}'), [null, null])
  assert.equal(reads('{{define "t"}}{{.resp.Body}}{{end}}'), [[], ['DEFAULT']])
})

test('a template runs many times, each with its own data', () => {
  const template = compileTemplate('{{$x := .a}}{{$x}}')
  const log = silentLogger()
  assert.is(template.run({ a: 'one' } satisfies Value, log), 'one')
  assert.is(template.run({ a: 'two' } satisfies Value, log), 'two')
})
