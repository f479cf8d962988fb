import type { Control, ObjectStatus } from '../../control/control.ts'
import { GatewayError } from '../../errors.ts'
import { API_PREFIX, defineRoutes } from '../route.ts'

/** The observed state of the gateway and of its objects. */
export const statusRoutes = defineRoutes('status', [
  {
    method: 'GET',
    path: `${API_PREFIX}/status`,
    summary: 'version, revision of the configuration, and the checks behind /readyz',
    handle: ({ services: { control, version } }) => ({
      status: 200,
      data: {
        version,
        revision: control.revision,
        isReady: control.isReady,
        checks: control.readinessChecks(),
      },
    }),
  },
  {
    method: 'GET',
    path: `${API_PREFIX}/status/objects`,
    summary: 'list the status of every object',
    handle: ({ services: { control } }) => ({
      status: 200,
      data: control.status().map((status) => withSource(control, status)),
    }),
  },
  {
    method: 'GET',
    path: `${API_PREFIX}/status/objects/{name}`,
    summary: 'the status of one object',
    handle: ({ services: { control }, params }) => {
      const name = params['name'] ?? ''
      const status = control.statusOf(name)
      if (status === undefined)
        throw new GatewayError('ADMIN_NOT_FOUND', { what: `object ${name}` })
      return { status: 200, data: withSource(control, status) }
    },
  },
])

/** A status with `source`: an object from a file can only be changed there. */
function withSource(control: Control, status: ObjectStatus): object {
  return { ...status, source: control.get(status.name)?.source ?? null }
}
