import { jsonFields } from '../json-fields.ts'
import { MAX_MODULE_BODY_BYTES, MAX_REASON_BODY_BYTES } from '../limits.ts'
import { API_PREFIX, type Call, defineRoutes, type Reply } from '../route.ts'
import { trialOptions } from '../trial-options.ts'

const MODULE_BODY = { mediaTypes: ['application/wasm'], maxBytes: MAX_MODULE_BODY_BYTES }
const REASON_BODY = { mediaTypes: ['application/json'], maxBytes: MAX_REASON_BODY_BYTES }

const PATH = `${API_PREFIX}/plugin-store`

/** Plugins by name and version: what `plugin: name` and `plugin: name@version` of a filter run. */
export const pluginStoreRoutes = defineRoutes('plugin-store', [
  {
    method: 'GET',
    path: PATH,
    summary: 'list the stored plugins with their versions, and who uses them',
    handle: async ({ services }) => ({
      status: 200,
      data: await services.control.storedPlugins.list(),
    }),
  },
  {
    method: 'POST',
    path: PATH,
    summary:
      'store the module in the body under the name and version it has, or ?name= and ?version=; ?canary=5% tries it',
    body: MODULE_BODY,
    handle: push,
  },
  {
    method: 'GET',
    path: `${PATH}/{name}`,
    summary: 'show the promoted version of a plugin',
    handle: inspect,
  },
  {
    method: 'GET',
    path: `${PATH}/{name}/{version}`,
    summary: 'show one version of a plugin',
    handle: inspect,
  },
  {
    method: 'POST',
    path: `${PATH}/{name}/promote`,
    summary:
      'make `version`, or the one on trial, what the plugin runs; `canary` tries it on a share',
    body: REASON_BODY,
    handle: promote,
  },
  {
    method: 'POST',
    path: `${PATH}/{name}/rollback`,
    summary: 'end the trial, or go back to the version that was promoted before',
    body: REASON_BODY,
    handle: rollBack,
  },
  {
    method: 'DELETE',
    path: `${PATH}/{name}`,
    summary: 'forget a plugin that nobody uses',
    handle: remove,
  },
  {
    method: 'DELETE',
    path: `${PATH}/{name}/{version}`,
    summary: 'forget one version that nobody uses',
    handle: remove,
  },
])

async function push({ services, query, body, caller }: Call): Promise<Reply> {
  const options = {
    by: caller,
    reason: query.get('reason') ?? 'pushed',
    name: query.get('name'),
    version: query.get('version'),
    trial: trialOptions((name) => query.get(name)),
  }
  const outcome = await services.control.storedPlugins.push(body, options)
  return { status: outcome.isNew ? 201 : 200, data: outcome }
}

async function inspect({ services, params }: Call): Promise<Reply> {
  const { name = '', version } = params
  const data = await services.control.storedPlugins.inspect(name, version ?? null)
  return { status: 200, data }
}

async function promote({ services, params, body, caller }: Call): Promise<Reply> {
  const fields = jsonFields(body, ['version', 'reason', 'canary', 'sticky', 'promoteAfter'])
  const options = {
    by: caller,
    reason: fields('reason') ?? 'promoted by hand',
    version: fields('version'),
    trial: trialOptions(fields),
  }
  const data = await services.control.storedPlugins.promote(params['name'] ?? '', options)
  return { status: 200, data }
}

async function rollBack({ services, params, body, caller }: Call): Promise<Reply> {
  const reason = jsonFields(body, ['reason'])('reason') ?? 'rolled back by hand'
  const because = { by: caller, reason }
  const data = await services.control.storedPlugins.rollback(params['name'] ?? '', because)
  return { status: 200, data }
}

async function remove({ services, params, query, caller }: Call): Promise<Reply> {
  const { name = '', version } = params
  const because = { by: caller, reason: query.get('reason') ?? 'removed by hand' }
  const removed = await services.control.storedPlugins.remove(name, version ?? null, because)
  return { status: 200, data: { removed } }
}
