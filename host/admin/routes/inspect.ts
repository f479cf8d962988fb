import { z } from '../../config/schema.ts'
import { GatewayError } from '../../errors.ts'
import type { Inspector } from '../../inspect/inspector.ts'
import { MAX_BODY_BYTES, MAX_EXCHANGES } from '../../inspect/limits.ts'
import { EVENT_STREAM_TYPE, streamEvents } from '../event-stream.ts'
import { MAX_INSPECT_BODY_BYTES } from '../limits.ts'
import { API_PREFIX, type Call, defineRoutes, type Reply, type Route } from '../route.ts'

const BASE = `${API_PREFIX}/inspect`
const ONE = `${BASE}/exchanges/{id}`

const testBody = z.strictObject({ step: z.int().min(0).nullable().default(null) })

/** What was recorded, and what can be done with it. All of it answers INSPECT_OFF unless it is recorded. */
export const inspectRoutes = defineRoutes('inspect', [
  route('GET', BASE, 'what is recorded, and its limits', (inspector) => ({
    status: 200,
    data: {
      servers: inspector.servers,
      exchanges: inspector.recorder.list().length,
      maxExchanges: MAX_EXCHANGES,
      maxBodyBytes: MAX_BODY_BYTES,
    },
  })),
  route(
    'GET',
    `${BASE}/exchanges`,
    'list the recorded exchanges, the newest first',
    (inspector) => ({
      status: 200,
      data: inspector.recorder.list().map((recording) => recording.summary()),
    }),
  ),
  route('DELETE', `${BASE}/exchanges`, 'forget what was recorded', (inspector) => {
    inspector.clear()
    return { status: 200, data: {} }
  }),
  route('GET', ONE, 'everything about one exchange', (inspector, { params }) => ({
    status: 200,
    data: inspector.recording(params['id'] ?? '').toRecord(),
  })),
  route('GET', `${ONE}/curl`, 'a command that sends the same request', (inspector, { params }) => ({
    status: 200,
    text: `${inspector.curl(params['id'] ?? '')}\n`,
  })),
  route('POST', `${ONE}/replay`, 'send the same request again', async (inspector, { params }) => ({
    status: 200,
    data: { id: await inspector.replay(params['id'] ?? '') },
  })),
  {
    ...route('POST', `${ONE}/test`, 'write a test of what a plugin did', (inspector, call) => ({
      status: 201,
      data: inspector.writeTest(call.params['id'] ?? '', stepOf(call)),
    })),
    body: { mediaTypes: ['application/json'], maxBytes: MAX_INSPECT_BODY_BYTES },
  },
  route('GET', `${BASE}/live`, 'exchanges as they happen, as server-sent events', (inspector) => {
    inspector.live.requireRoom()
    return {
      status: 200,
      stream: (response) => streamEvents(inspector, response),
      headers: { 'content-type': EVENT_STREAM_TYPE },
    }
  }),
])

function route(
  method: Route['method'],
  path: string,
  summary: string,
  answer: (inspector: Inspector, call: Call) => Reply | Promise<Reply>,
): Route {
  return {
    method,
    path,
    summary,
    takesInspectorKey: true,
    handle: (call) => {
      const { inspector } = call.services
      if (inspector === null) throw new GatewayError('INSPECT_OFF', {})
      return answer(inspector, call)
    },
  }
}

function stepOf({ body }: Call): number | null {
  try {
    return testBody.parse(JSON.parse(body.toString('utf8'))).step
  } catch (error) {
    throw new GatewayError('ADMIN_BODY_INVALID', { reason: 'it is not {"step": NUMBER}' }, error)
  }
}
