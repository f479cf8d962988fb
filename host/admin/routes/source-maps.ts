import { MAX_SOURCE_MAP_BODY_BYTES } from '../limits.ts'
import { API_PREFIX, type Call, defineRoutes, type Reply } from '../route.ts'

/** Source maps of pushed modules, so that a trap is logged with its line. By digest: that is what a push answers. */
export const sourceMapRoutes = defineRoutes('plugin-source-maps', [
  {
    method: 'PUT',
    path: `${API_PREFIX}/plugin-source-maps/{digest}`,
    summary: 'keep the source map in the body for the stored module of this digest',
    body: { mediaTypes: ['application/json'], maxBytes: MAX_SOURCE_MAP_BODY_BYTES },
    handle: putSourceMap,
  },
])

async function putSourceMap({ services, params, body }: Call): Promise<Reply> {
  const { digest = '' } = params
  return { status: 200, data: { digest, bytes: await services.control.putSourceMap(digest, body) } }
}
