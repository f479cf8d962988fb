import type { JsonPath } from '../config/json.ts'
import type { CheckContext } from './object.ts'

/** The context of a check for a part of a document, as if the part were the whole. */
export function nestedContext(context: CheckContext, base: JsonPath): CheckContext {
  return {
    filterKinds: context.filterKinds,
    storedPlugins: context.storedPlugins,
    moduleOf: context.moduleOf,
    isComplete: context.isComplete,
    kindOf: (name) => context.kindOf(name),
    namesOf: (kind) => context.namesOf(kind),
    report: (problem) => context.report({ ...problem, path: [...base, ...problem.path] }),
    placeOf: (path) => context.placeOf([...base, ...path]),
    parse: (schema, path, omit) => context.parse(schema, [...base, ...path], omit),
  }
}
