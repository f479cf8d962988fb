import { API_PREFIX, defineRoutes } from '../route.ts'

/** What this API is: its routes, its version, the kinds of objects. */
export const aboutRoutes = defineRoutes('about', [
  {
    method: 'GET',
    path: API_PREFIX,
    summary: 'list the groups of this API with their methods and paths',
    handle: ({ groups }) => ({
      status: 200,
      data: groups.map(({ group, routes }) => ({
        group,
        entries: routes.map(({ method, path, summary }) => ({ method, path, summary })),
      })),
    }),
  },
  {
    method: 'GET',
    path: `${API_PREFIX}/healthz`,
    summary: 'answer 200 while the admin API runs',
    handle: () => ({ status: 200, text: 'ok\n' }),
  },
  {
    method: 'GET',
    path: `${API_PREFIX}/about`,
    summary: 'name and version of the gateway',
    handle: ({ services }) => ({ status: 200, text: `penstock ${services.version}\n` }),
  },
  {
    method: 'GET',
    path: `${API_PREFIX}/object-kinds`,
    summary: 'list the kinds an object can have',
    handle: ({ services }) => ({ status: 200, data: services.objectKinds }),
  },
])
