import { isJsonObject, type JsonObject } from '../../config/json.ts'
import type { Control } from '../../control/control.ts'
import { GatewayError } from '../../errors.ts'
import { DOCUMENT_BODY, parseSingle } from '../documents.ts'
import { outcomeReply } from '../outcome-reply.ts'
import { requireFilter } from '../require-filter.ts'
import { API_PREFIX, type Call, defineRoutes, type Reply } from '../route.ts'

const DATA = `${API_PREFIX}/wasm/data/{pipeline}/{filter}`

/** What Easegress has for its WasmHost: code read again, and the data that its guests share. */
export const wasmRoutes = defineRoutes('wasm', [
  {
    method: 'POST',
    path: `${API_PREFIX}/wasm/code`,
    summary: 'read the code of every WasmHost filter again and swap what has changed',
    handle: async ({ services }) => outcomeReply(await services.control.reloadCode()),
  },
  {
    method: 'GET',
    path: DATA,
    summary: 'the key-value data of the plugin in this filter; bytes that are no text as {base64}',
    handle: async (call) => {
      const [control, pipeline, filter] = target(call)
      return { status: 200, data: await control.listData(pipeline, filter) }
    },
  },
  {
    method: 'PUT',
    path: DATA,
    summary: 'write these keys beside those that are there, all or none',
    body: DOCUMENT_BODY,
    handle: async (call): Promise<Reply> => {
      const [control, pipeline, filter] = target(call)
      const values = valuesOf(parseSingle(call))
      return { status: 200, data: { written: await control.applyData(pipeline, filter, values) } }
    },
  },
  {
    method: 'DELETE',
    path: DATA,
    summary: 'delete every key of it',
    handle: async (call) => {
      const [control, pipeline, filter] = target(call)
      return { status: 200, data: { deleted: await control.deleteData(pipeline, filter) } }
    },
  },
])

function target({ services, params }: Call): [control: Control, pipeline: string, filter: string] {
  const { control } = services
  const { pipeline = '', filter = '' } = params
  requireFilter(control, pipeline, filter)
  return [control, pipeline, filter]
}

type DataValue = Parameters<Control['applyData']>[2][string]

function valuesOf(document: JsonObject): Record<string, DataValue> {
  const values: [string, DataValue][] = []
  for (const [key, value] of Object.entries(document)) {
    if (key === '') throw invalid('a key is empty')
    if (typeof value === 'string') values.push([key, value])
    else if (typeof value === 'number' || typeof value === 'boolean') {
      values.push([key, String(value)])
    } else if (isJsonObject(value) && isBase64(value['base64'])) {
      values.push([key, { base64: value['base64'] }])
    } else {
      throw invalid(`the value of "${key}" is neither text, a number, a boolean nor { base64: … }`)
    }
  }
  return Object.fromEntries(values)
}

function isBase64(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
}

function invalid(reason: string): GatewayError {
  return new GatewayError('ADMIN_BODY_INVALID', { reason })
}
