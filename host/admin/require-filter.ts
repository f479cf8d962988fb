import { valueAt } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import type { Control } from '../control/control.ts'
import { GatewayError } from '../errors.ts'

/** ADMIN_NOT_FOUND says which of the two names is wrong, and what it may have been meant to be. */
export function requireFilter(control: Control, pipeline: string, filter: string): void {
  const object = control.get(pipeline)
  if (object?.kind !== 'Pipeline') {
    const pipelines = control.list().filter((one) => one.kind === 'Pipeline')
    throw missing(
      `pipeline ${pipeline}`,
      nearest(
        pipeline,
        pipelines.map((one) => one.name),
      ),
    )
  }
  const filters = valueAt(object.spec, ['filters'])
  const names = Array.isArray(filters) ? filters.map((one) => String(valueAt(one, ['name']))) : []
  if (!names.includes(filter)) {
    throw missing(`filter ${filter} in the pipeline ${pipeline}`, nearest(filter, names))
  }
}

function missing(what: string, near: string | null): GatewayError {
  const hint = near === null ? '' : ` (did you mean "${near}"?)`
  return new GatewayError('ADMIN_NOT_FOUND', { what: `${what}${hint}` })
}
