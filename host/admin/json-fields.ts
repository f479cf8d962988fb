import { isJsonObject } from '../config/json.ts'
import { GatewayError, reasonOf } from '../errors.ts'

/**
 * The text fields of a JSON body; an empty body has none. ADMIN_BODY_INVALID for what is no object, has a
 * field that is not known, or one that is no text.
 */
export function jsonFields(
  body: Buffer,
  known: readonly string[],
): (name: string) => string | null {
  const data = body.length === 0 ? {} : parse(body)
  if (!isJsonObject(data)) throw invalid('it is no JSON object')
  for (const [name, value] of Object.entries(data)) {
    if (!known.includes(name)) throw invalid(`there is no field ${name}, only ${known.join(', ')}`)
    if (typeof value !== 'string') throw invalid(`the field ${name} must be text`)
  }
  return (name) => {
    const value = data[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw invalid(reasonOf(error), error)
  }
}

function invalid(reason: string, cause?: unknown): GatewayError {
  return new GatewayError('ADMIN_BODY_INVALID', { reason }, cause)
}
