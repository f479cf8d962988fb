import { type JsonValue, valueAt } from '../../config/json.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import { MAX_MODULE_BODY_BYTES } from '../limits.ts'
import { requireFilter } from '../require-filter.ts'
import { API_PREFIX, type Call, defineRoutes, type Reply } from '../route.ts'

const MODULE_BODY = { mediaTypes: ['application/wasm'], maxBytes: MAX_MODULE_BODY_BYTES }

/** Bytes of the body that gives a reason. */
const MAX_REASON_BODY_BYTES = 16 * 1024

const PATH = `${API_PREFIX}/plugins/{pipeline}/{filter}`
const SUMMARY = 'store the module in the body and swap it into this filter'

/** Swapping the code of a filter while it runs. */
export const pluginRoutes = defineRoutes('plugins', [
  { method: 'PUT', path: PATH, summary: SUMMARY, body: MODULE_BODY, handle: pushModule },
  { method: 'POST', path: PATH, summary: SUMMARY, body: MODULE_BODY, handle: pushModule },
  {
    method: 'GET',
    path: `${API_PREFIX}/plugins`,
    summary: 'list the plugins that run, with the versions that ran',
    handle: async ({ services }) => ({ status: 200, data: await services.control.plugins() }),
  },
  {
    method: 'POST',
    path: `${PATH}/rollback`,
    summary: 'go back to the version that ran before; a JSON body may give a reason',
    body: { mediaTypes: ['application/json'], maxBytes: MAX_REASON_BODY_BYTES },
    handle: rollBack,
  },
])

async function pushModule({ services, params, body }: Call): Promise<Reply> {
  const { control } = services
  const { pipeline = '', filter = '' } = params
  requireFilter(control, pipeline, filter)
  return { status: 200, data: await control.pushPlugin(body, pipeline, filter) }
}

async function rollBack({ services, params, body }: Call): Promise<Reply> {
  const { control } = services
  const { pipeline = '', filter = '' } = params
  requireFilter(control, pipeline, filter)
  const reason = reasonIn(body)
  return { status: 200, data: await control.rollbackPlugin(pipeline, filter, reason) }
}

function reasonIn(body: Buffer): string {
  if (body.length === 0) return 'rolled back by hand'
  let data: unknown
  try {
    data = JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new GatewayError('ADMIN_BODY_INVALID', { reason: reasonOf(error) }, error)
  }
  const reason = valueAt(data as JsonValue, ['reason'])
  return typeof reason === 'string' && reason !== '' ? reason : 'rolled back by hand'
}
