import { isDeepEqual } from '../compare.ts'
import { checkListLength, type RunState } from '../run-state.ts'
import { runError } from '../template-error.ts'
import { isTrue, type Value } from '../value.ts'
import { fn, listOf, restFn, runFn, type TemplateFunction } from './define.ts'

const append = fn(['list', 'any'], (list, value) => checked([...list, value]))
const prepend = fn(['list', 'any'], (list, value) => checked([value, ...list]))
const first = fn(['list'], (list) => list[0])
const last = fn(['list'], (list) => list.at(-1))
const rest = fn(['list'], (list) => list.slice(1))
const initial = fn(['list'], (list) => list.slice(0, -1))
const reverse = fn(['list'], (list) => list.toReversed())
const compact = fn(['list'], (list) => list.filter((value) => !isEmpty(value)))
const chunk = fn(['int', 'list'], (size, list) => {
  if (size < 1) throw runError('chunk needs a size of at least 1')
  const chunks: Value[] = []
  for (let i = 0; i < list.length; i += size) chunks.push(list.slice(i, i + size))
  return chunks
})
const uniq = runFn(['list'], (state, list) => {
  const kept: Value[] = []
  for (const item of list) if (!isIn(kept, item, state)) kept.push(item)
  return kept
})
const without = restFn(['list'], ([list], omitted, state) =>
  list.filter((item) => !isIn(omitted, item, state)),
)
const has = runFn(['any', 'any'], (state, needle, list) =>
  list === undefined || list === null ? false : isIn(listOf(list), needle, state),
)

/** sprig's functions on lists. None changes the list it is given. */
export const LIST_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  list: restFn([], (_, values) => values),
  tuple: restFn([], (_, values) => values),
  append,
  push: append,
  mustAppend: append,
  mustPush: append,
  prepend,
  mustPrepend: prepend,
  first,
  mustFirst: first,
  last,
  mustLast: last,
  rest,
  mustRest: rest,
  initial,
  mustInitial: initial,
  reverse,
  mustReverse: reverse,
  compact,
  mustCompact: compact,
  chunk,
  mustChunk: chunk,
  uniq,
  mustUniq: uniq,
  without,
  mustWithout: without,
  has,
  mustHas: has,
  concat: restFn([], (_, lists) => {
    const all: Value[] = []
    for (const list of lists) {
      checkListLength(all.length + listOf(list).length)
      all.push(...listOf(list))
    }
    return all
  }),
}

/** sprig's empty: Go's truth, where a number of JSON counts as the text it is. */
export function isEmpty(value: Value): boolean {
  return !isTrue(value)
}

function isIn(list: readonly Value[], needle: Value, state: RunState): boolean {
  return list.some((item) => isDeepEqual(item, needle, state))
}

function checked(list: Value[]): Value[] {
  checkListLength(list.length)
  return list
}
