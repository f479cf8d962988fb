import { jsonFields } from '../json-fields.ts'
import { MAX_MODULE_BODY_BYTES, MAX_REASON_BODY_BYTES } from '../limits.ts'
import { requireFilter } from '../require-filter.ts'
import { API_PREFIX, type Call, defineRoutes, type Reply } from '../route.ts'
import { trialOptions } from '../trial-options.ts'

const MODULE_BODY = { mediaTypes: ['application/wasm'], maxBytes: MAX_MODULE_BODY_BYTES }
const REASON_BODY = { mediaTypes: ['application/json'], maxBytes: MAX_REASON_BODY_BYTES }

const PATH = `${API_PREFIX}/plugins/{pipeline}/{filter}`
const SUMMARY =
  'store the module in the body and swap it into this filter; ?canary=5% tries it on a share of the clients'

/** Plugins in filters: swapping the code of one while it runs, trying it, going back. */
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
    method: 'GET',
    path: PATH,
    summary: 'show the module this filter runs, what it asks for and what it is allowed',
    handle: inspect,
  },
  {
    method: 'POST',
    path: `${PATH}/promote`,
    summary: 'give the version on trial to all clients, or to the share `canary` of them',
    body: REASON_BODY,
    handle: promote,
  },
  {
    method: 'POST',
    path: `${PATH}/rollback`,
    summary:
      'end the trial, or go back to the version that ran before; a JSON body may give a reason',
    body: REASON_BODY,
    handle: rollBack,
  },
])

async function pushModule({ services, params, query, body, caller }: Call): Promise<Reply> {
  const { control } = services
  const { pipeline = '', filter = '' } = params
  requireFilter(control, pipeline, filter)
  const trial = trialOptions((name) => query.get(name))
  const options = { by: caller, reason: query.get('reason') ?? 'pushed', trial }
  return { status: 200, data: await control.pushPlugin(body, pipeline, filter, options) }
}

async function inspect({ services, params }: Call): Promise<Reply> {
  const { control } = services
  const { pipeline = '', filter = '' } = params
  requireFilter(control, pipeline, filter)
  return { status: 200, data: await control.inspectPlugin(pipeline, filter) }
}

async function promote({ services, params, body, caller }: Call): Promise<Reply> {
  const { control } = services
  const { pipeline = '', filter = '' } = params
  requireFilter(control, pipeline, filter)
  const fields = jsonFields(body, ['reason', 'canary'])
  const trial = trialOptions((name) => (name === 'canary' ? fields(name) : null))
  const options = {
    by: caller,
    reason: fields('reason') ?? 'promoted by hand',
    percent: trial?.percent ?? null,
  }
  return { status: 200, data: await control.promotePlugin(pipeline, filter, options) }
}

async function rollBack({ services, params, body, caller }: Call): Promise<Reply> {
  const { control } = services
  const { pipeline = '', filter = '' } = params
  requireFilter(control, pipeline, filter)
  const reason = jsonFields(body, ['reason'])('reason') ?? 'rolled back by hand'
  return { status: 200, data: await control.rollbackPlugin(pipeline, filter, reason, caller) }
}
