import { nearest } from '../config/nearest.ts'
import { GatewayError } from '../errors.ts'
import type { ParameterSpec, PluginDescription } from './module/description.ts'

/**
 * Holds the parameters of a filter against what its module declares: an unknown one, a missing one and
 * one of the wrong type are all reported at once. A module that declares nothing takes anything.
 */
export function checkParameters(
  description: PluginDescription,
  given: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const parameters = new Map(Object.entries(given))
  if (!description.isDeclared) return parameters
  const problems: string[] = []
  const known = Object.keys(description.parameters)
  for (const [key, value] of parameters) {
    const spec = Object.hasOwn(description.parameters, key)
      ? description.parameters[key]
      : undefined
    if (spec === undefined) {
      const near = nearest(key, known)
      problems.push(
        `unknown parameter "${key}"${near === null ? '' : ` (did you mean "${near}"?)`}; it has ${known.length === 0 ? 'none' : known.join(', ')}`,
      )
    } else if (!isOfType(value, spec)) {
      problems.push(`parameter "${key}" is "${value}", which is no ${spec.type}`)
    }
  }
  for (const key of known) {
    if (description.parameters[key]?.required === true && !parameters.has(key)) {
      problems.push(`parameter "${key}" is required`)
    }
  }
  if (problems.length > 0) {
    throw new GatewayError('GUEST_PARAMETERS', { problems: problems.join('; ') })
  }
  return parameters
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
