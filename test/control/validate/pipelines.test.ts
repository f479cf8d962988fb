import { assert, suite } from '../../support/suite.ts'
import { filters, linesOf, pipeline } from '../validation.ts'

const test = suite('control/validate/pipelines')

test('reports every problem of a pipeline with its place', () => {
  const cases: [text: string, ...lines: string[]][] = [
    ['', '1:1: error: `filters` is missing'],
    ['filters: []', '3:10: error: `filters` takes a list of at least 1 item, not an empty list'],
    ['filters: {}', '3:10: error: `filters` takes a list, not a mapping'],
    ['filters:\n  - x', '4:5: error: `filters[0]` takes a mapping, not "x"'],
    ['filters:\n  - kind: Gate', '4:5: error: `name` is missing'],
    ['filters:\n  - name: a', '4:5: error: `kind` is missing'],
    [
      'filters:\n  - { name: a b, kind: Gate }',
      '4:13: error: a name has 1 to 253 letters, digits or - _ . ~',
    ],
    [
      'filters:\n  - { name: a, kind: Gaet }',
      '4:22: error: there is no filter kind "Gaet" (did you mean "Gate"?)',
    ],
    [
      'filters:\n  - { name: a, kind: RateLimiter }',
      '4:22: error: the filter kind "RateLimiter" is not supported yet',
    ],
    [
      'filters:\n  - name: a\n    kind: Gate\n    limt: 5',
      '6:5: error: unknown field `limt` (did you mean "limit"?)',
    ],
    [
      'filters:\n  - name: a\n    kind: Gate\n    limit: five',
      '6:12: error: `limit` takes a number, not the text "five"',
    ],
    [
      'filters:\n  - name: a\n    kind: Gate\n    period: 5x',
      '6:13: error: `period` takes a duration such as "100ms" or "10s", not "5x"',
    ],
    ['filters:\n  - name: a\n    kind: Note', '4:5: error: `text` is missing'],
    [
      'filters:\n  - { name: END, kind: Gate }',
      '4:13: error: no filter can be named END: it ends the flow',
    ],
    [
      `${filters}  - { name: a, kind: Guest }`,
      '6:13: error: "a" is the name of another filter already, in line 4',
    ],
    [`${filters}flow: [{ filter: c }]`, '6:18: error: there is no filter "c" in this pipeline'],
    [
      'filters: [{ name: proxy, kind: Gate }]\nflow: [{ filter: prxoy }]',
      '4:18: error: there is no filter "prxoy" in this pipeline (did you mean "proxy"?)',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpif: { closed: END }\n  - filter: b`,
      '8:5: error: unknown field `jumpif` (did you mean "jumpIf"?)',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { close: END }\n  - filter: b`,
      '8:15: error: "close" is not a result of "a" (Gate): it has closed, timeout (did you mean "closed"?)',
    ],
    [
      `${filters}flow:\n  - filter: b\n    jumpIf: { any: END }\n  - filter: a`,
      '8:15: error: "any" is not a result of "b" (Note): it has none',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: bb }\n  - { filter: b, alias: bbb }`,
      '8:23: error: there is no later node "bb" in the flow (did you mean "bbb"?)',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: b }\n  - { filter: b, alias: last }`,
      '8:23: error: the filter "b" is no later node of the flow under this name (did you mean "last"?)',
    ],
    [
      `${filters}flow:\n  - filter: b\n  - filter: a\n    jumpIf: { closed: b }`,
      '9:23: error: a jump only goes forward: "b" stands before this one, in line 7',
    ],
    [
      `${filters}flow:\n  - filter: b\n  - filter: a\n    jumpIf: { closed: a }`,
      '9:23: error: a jump only goes forward: "a" is this node',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: b }\n  - filter: b\n  - filter: b`,
      '8:23: error: the flow has 2 later nodes called "b": give them aliases',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: 5 }\n  - filter: b`,
      '8:23: error: `closed` takes text, not the number 5: put it in quotes',
    ],
    [
      `${filters}flow:\n  - { filter: a, alias: x }\n  - { filter: b, alias: x }`,
      '8:25: error: "x" is the name of another node already, in line 7',
    ],
    [
      `${filters}flow:\n  - { filter: a, alias: b }\n  - filter: b`,
      '7:25: error: "b" is the name of another node already, in line 8',
    ],
    [
      `${filters}flow:\n  - { filter: a, alias: END }\n  - filter: b`,
      '7:25: error: no node can be called END: it ends the flow',
    ],
    [
      `${filters}flow:\n  - filter: a\n  - filter: END\n    jumpIf: { closed: b }\n  - filter: b`,
      '9:15: error: END has no results to jump from',
    ],
    [
      `${filters}flow:\n  - { filter: a, namespace: other }\n  - filter: b`,
      '7:29: error: nothing before this node makes a request in the namespace other: put a RequestBuilder there',
    ],
    [
      `${filters}flow: [{ filter: a }]`,
      '5:13: warning: the filter "b" is not in the flow: it never runs',
    ],
    [`${filters}flow: a`, '6:7: error: `flow` takes a list, not "a"'],
    [`${filters}flow: [{ alias: x }]`, '6:8: error: `filter` is missing'],
    [
      `${filters}resilience:\n  - { name: r, kind: retry }`,
      '7:22: error: there is no policy kind "retry": it is one of CircuitBreaker, Retry (did you mean "Retry"?)',
    ],
    [
      `${filters}labels: { a: 1 }`,
      '6:14: error: `a` takes text, not the number 1: put it in quotes',
    ],
    [`${filters}fliters: []`, '6:1: error: unknown field `fliters` (did you mean "filters"?)'],
    [
      `${filters}constructor: 1\ntoString: 2`,
      '6:1: error: unknown field `constructor`',
      '7:1: error: unknown field `toString`',
    ],
  ]
  for (const [text, ...lines] of cases) assert.equal(linesOf(pipeline(text)), lines, text)
})

test('accepts what Easegress accepts in a flow', () => {
  const flows = [
    'flow: []',
    'flow: [{ filter: a }, { filter: b }, { filter: a }]',
    'flow: [{ filter: a, jumpIf: { closed: again } }, { filter: b }, { filter: a, alias: again }]',
    'flow: [{ filter: a, jumpIf: { "": END, timeout: b } }, { filter: END }, { filter: b }]',
    'flow: [{ filter: a, namespace: DEFAULT }, { filter: b, namespace: "" }]',
    'resilience: []\ndata: { any: [1, { x: y }] }\nversion: easegress.megaease.com/v2',
  ]
  for (const flow of flows) assert.equal(linesOf(pipeline(filters + flow)), [], flow)
  const guest =
    'filters: [{ name: g, kind: Guest }]\nflow: [{ filter: g, jumpIf: { declaredByModule: END } }]'
  assert.equal(linesOf(pipeline(guest)), [])
})
