import { nearest } from '../../config/nearest.ts'
import type { Control, ObjectSpec } from '../../control/control.ts'
import { GatewayError } from '../../errors.ts'
import { DOCUMENT_BODY, parseBody, parseSingle } from '../documents.ts'
import { outcomeReply } from '../outcome-reply.ts'
import { API_PREFIX, type Call, defineRoutes, type Reply } from '../route.ts'

/** Objects as Easegress has them, and one addition: PUT without a name applies a whole set at once. */
export const objectRoutes = defineRoutes('objects', [
  {
    method: 'GET',
    path: `${API_PREFIX}/objects`,
    summary: 'list every object',
    handle: ({ services }) => ({
      status: 200,
      data: services.control.list().map((object) => object.spec),
    }),
  },
  {
    method: 'POST',
    path: `${API_PREFIX}/objects`,
    summary: 'create an object; 409 when there is one of that name',
    body: DOCUMENT_BODY,
    handle: createObject,
  },
  {
    method: 'PUT',
    path: `${API_PREFIX}/objects`,
    summary: 'create or replace every object of the body, all of them or none',
    body: DOCUMENT_BODY,
    handle: async (call) =>
      outcomeReply(await call.services.control.put(parseBody(call), 'upsert')),
  },
  {
    method: 'GET',
    path: `${API_PREFIX}/objects/{name}`,
    summary: 'one object',
    handle: ({ services, params }) => ({
      status: 200,
      data: existing(services.control, params['name'] ?? '').spec,
    }),
  },
  {
    method: 'PUT',
    path: `${API_PREFIX}/objects/{name}`,
    summary: 'replace an object; 404 when there is none of that name',
    body: DOCUMENT_BODY,
    handle: replaceObject,
  },
  {
    method: 'DELETE',
    path: `${API_PREFIX}/objects/{name}`,
    summary: 'delete an object; 409 when another one needs it',
    handle: async ({ services, params }) => {
      const name = params['name'] ?? ''
      const outcome = await services.control.delete(name)
      if (outcome === undefined) throw notFound(services.control, name)
      return outcomeReply(outcome)
    },
  },
])

async function createObject(call: Call): Promise<Reply> {
  const { control } = call.services
  const document = parseSingle(call)
  const { name } = document
  if (typeof name === 'string' && control.get(name) !== undefined) {
    const message = `there is an object ${name} already: PUT ${API_PREFIX}/objects/${name} replaces it`
    throw new GatewayError('ADMIN_CONFLICT', { message })
  }
  const reply = outcomeReply(await control.put([document], 'create'))
  if (reply.status !== 200) return reply
  const location = `${API_PREFIX}/objects/${encodeURIComponent(String(name))}`
  return { ...reply, status: 201, headers: { location } }
}

async function replaceObject(call: Call): Promise<Reply> {
  const { control } = call.services
  const name = call.params['name'] ?? ''
  existing(control, name)
  const document = parseSingle(call)
  if (document['name'] !== name) {
    const reason = `its name is ${JSON.stringify(document['name']) ?? 'missing'}, the path says "${name}"`
    throw new GatewayError('ADMIN_BODY_INVALID', { reason })
  }
  return outcomeReply(await control.put([document], 'update'))
}

function existing(control: Control, name: string): ObjectSpec {
  const object = control.get(name)
  if (object === undefined) throw notFound(control, name)
  return object
}

function notFound(control: Control, name: string): GatewayError {
  const near = nearest(
    name,
    control.list().map((object) => object.name),
  )
  const hint = near === null ? '' : ` (did you mean "${near}"?)`
  return new GatewayError('ADMIN_NOT_FOUND', { what: `object ${name}${hint}` })
}
