import { MAX_VALUE_DEPTH } from '../limits.ts'
import type { RunState } from '../run-state.ts'
import { runError } from '../template-error.ts'
import { asDict, type Dict, dictGet, newDict, sortedKeys, type Value } from '../value.ts'
import { toText } from './convert.ts'
import { dictOf, fn, restFn, type TemplateFunction, textOf } from './define.ts'

/**
 * sprig's functions on maps, and Easegress's mergeObject. `set` and `unset` change the map they are given,
 * as sprig's do, but only one that the template itself has made: bodies and data stay as they are.
 */
export const DICT_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  dict: restFn([], (_, values) => {
    const dict = newDict()
    for (let i = 0; i < values.length; i += 2) {
      dict[toText(values[i])] = i + 1 < values.length ? values[i + 1] : ''
    }
    return dict
  }),
  get: fn(['dict', 'text'], (dict, key) => (Object.hasOwn(dict, key) ? dict[key] : '')),
  set: fn(['dict', 'text', 'any'], (dict, key, value) => {
    writable(dict)[key] = value
    return dict
  }),
  unset: fn(['dict', 'text'], (dict, key) => {
    delete writable(dict)[key]
    return dict
  }),
  hasKey: fn(['dict', 'text'], (dict, key) => Object.hasOwn(dict, key)),
  pluck: restFn(['text'], ([key], dicts) =>
    dicts.filter((dict) => Object.hasOwn(dictOf(dict), key)).map((dict) => dictOf(dict)[key]),
  ),
  keys: restFn([], (_, dicts) => dicts.flatMap((dict) => sortedKeys(dictOf(dict)))),
  values: fn(['dict'], (dict) => sortedKeys(dict).map((key) => dict[key])),
  pick: restFn(['dict'], ([dict], keys) => {
    const picked = newDict()
    for (const key of keys.map(textOf)) if (Object.hasOwn(dict, key)) picked[key] = dict[key]
    return picked
  }),
  omit: restFn(['dict'], ([dict], keys) => {
    const omitted = new Set(keys.map(textOf))
    const left = newDict()
    for (const key of Object.keys(dict)) if (!omitted.has(key)) left[key] = dict[key]
    return left
  }),
  dig: restFn(['text', 'any', 'any'], ([first, second, third], more) =>
    dig([first, second, third, ...more]),
  ),
  mergeObject: restFn([], (_, values, state) => {
    const merged = newDict()
    for (const value of values) merge(merged, dictOf(value), state, 0)
    return merged
  }),
}

/** Maps of a template have no prototype; the others belong to a request, a response or the data. */
function writable(dict: Dict): { [key: string]: Value } {
  if (Object.getPrototypeOf(dict) !== null || Object.isFrozen(dict)) {
    throw runError('set and unset change maps made by dict only')
  }
  return dict as { [key: string]: Value }
}

/** `dig "a" "b" default dict` */
function dig(args: readonly Value[]): Value {
  const fallback = args.at(-2)
  let value: Value = dictOf(args.at(-1))
  for (const key of args.slice(0, -2)) {
    const dict = dictOf(value)
    if (!Object.hasOwn(dict, textOf(key))) return fallback
    value = dictGet(dict, textOf(key))
  }
  return value
}

/** Later maps win; maps in both are merged, everything else is replaced. */
function merge(into: { [key: string]: Value }, from: Dict, state: RunState, depth: number): void {
  if (depth > MAX_VALUE_DEPTH) throw runError('a map is nested too deep to be merged')
  for (const key of Object.keys(from)) {
    state.charge(1)
    const mine = asDict(into[key])
    const theirs = asDict(from[key])
    if (mine === null || theirs === null) {
      into[key] = from[key]
      continue
    }
    const both = newDict()
    merge(both, mine, state, depth + 1)
    merge(both, theirs, state, depth + 1)
    into[key] = both
  }
}
