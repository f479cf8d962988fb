import { nearest } from '../config/nearest.ts'
import { GatewayError } from '../errors.ts'
import type { ParameterSpec, PluginDescription } from './module/description.ts'

/** What is wrong with one parameter. */
export interface ParameterProblem {
  readonly key: string
  /** It is not given, and must be. */
  readonly isMissing: boolean
  readonly message: string
}

/**
 * Holds the parameters of a filter against what its module declares: an unknown one, a missing one and
 * one of the wrong type are all reported at once. A module that declares nothing takes anything.
 */
export function checkParameters(
  description: PluginDescription,
  given: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const problems = parameterProblems(description, given).map(({ message }) => message)
  if (problems.length > 0) {
    throw new GatewayError('GUEST_PARAMETERS', { problems: problems.join('; ') })
  }
  return new Map(Object.entries(given))
}

/** The same as a list, for whoever knows where they stand. */
export function parameterProblems(
  description: Pick<PluginDescription, 'parameters' | 'isDeclared'>,
  given: Readonly<Record<string, string>>,
): ParameterProblem[] {
  if (!description.isDeclared) return []
  const problems: ParameterProblem[] = []
  const known = Object.keys(description.parameters)
  for (const [key, value] of Object.entries(given)) {
    const spec = Object.hasOwn(description.parameters, key)
      ? description.parameters[key]
      : undefined
    if (spec === undefined) {
      const near = nearest(key, known)
      const message = `unknown parameter "${key}"${near === null ? '' : ` (did you mean "${near}"?)`}; it has ${known.length === 0 ? 'none' : known.join(', ')}`
      problems.push({ key, isMissing: false, message })
    } else if (!isOfType(value, spec)) {
      const message = `parameter "${key}" is "${value}", which is no ${spec.type}`
      problems.push({ key, isMissing: false, message })
    }
  }
  for (const key of known) {
    if (description.parameters[key]?.required === true && !Object.hasOwn(given, key)) {
      problems.push({ key, isMissing: true, message: `parameter "${key}" is required` })
    }
  }
  return problems
}

function isOfType(value: string, spec: ParameterSpec): boolean {
  switch (spec.type) {
    case 'integer':
      return /^[+-]?\d{1,15}$/.test(value)
    case 'number':
      return value.trim() !== '' && Number.isFinite(Number(value))
    case 'boolean':
      return value === 'true' || value === 'false'
    case 'string':
      return true
  }
}
