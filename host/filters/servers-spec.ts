import { z } from '../config/schema.ts'
import type { ServerSource } from '../upstream/discovered-servers.ts'
import type { FileSpec } from '../upstream/discovery/file.ts'
import type { ServerSpec } from '../upstream/endpoint.ts'
import { atLeast } from './proxy-field.ts'

/** A server whose URL has one of the schemes that `protocol` matches. */
function server(protocol: RegExp, example: string) {
  return z.strictObject({
    url: z
      .url({ protocol, error: `must be a URL such as ${example}` })
      .describe('Where the server listens.'),
    tags: z.array(z.string()).default([]).describe('Marks that `serverTags` chooses by.'),
    weight: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('Share of the traffic for weightedRandom, leastRequest and consistentHash.'),
    keepHost: z
      .boolean()
      .default(false)
      .describe(
        'Pass on the Host the client asked for, also when the server is named by host name.',
      ),
  })
}

/** Servers as a pool and a file of servers have them. Either all have a weight or none has. */
export function servers(protocol = /^https?$/, example = 'http://127.0.0.1:9095') {
  return z
    .array(server(protocol, example))
    .superRefine((list, context) => {
      if (list.every((one) => one.weight === undefined)) return
      for (const [index, one] of list.entries()) {
        if (one.weight !== undefined) continue
        const message = 'other servers have a `weight`: this one needs one too'
        context.addIssue({ code: 'custom', path: [index], message })
      }
    })
    .transform((list) => list.map((one) => ({ ...one, weight: one.weight ?? 1 })))
}

/** Servers with the URLs an HTTP client knows: a WebSocket begins as a request. */
export function websocketServers() {
  return servers(/^(?:ws|http)s?$/, 'ws://127.0.0.1:9095').transform((list) =>
    list.map((one) => ({ ...one, url: one.url.replace(/^ws/i, 'http') })),
  )
}

/** What a file of servers holds. */
export const serversFile = z.strictObject({ servers: servers() })

/** The same for servers of WebSockets. */
export const websocketServersFile = z.strictObject({ servers: websocketServers() })

/** The names by which the servers of a pool are found in a service registry. */
export const registryFields = {
  serviceName: z
    .string()
    .regex(/^\S*$/, 'has a space')
    .default('')
    .describe(
      'A service whose instances are the endpoints; `servers` are used when the registry has none and until it has answered.',
    ),
  serviceRegistry: z
    .string()
    .default('')
    .describe('The name of the service registry that knows `serviceName`.'),
}

/** Where the servers of a pool are found. */
export const discovery = z
  .strictObject({
    dns: z
      .strictObject({
        host: z
          .hostname('is not a host name')
          .describe('The name; each of its addresses is an endpoint.'),
        port: z.int().min(1).max(65_535).describe('The port of all of them.'),
        interval: atLeast(10).prefault('5s').describe('Time between two looks.'),
        nameServers: z
          .array(z.string().regex(/^[\d.]+(?::\d+)?$|^[\da-fA-F:]+$|^\[[\da-fA-F:]+\]:\d+$/))
          .default([])
          .describe('Name servers to ask; those of the operating system when empty.'),
        keepHost: z
          .boolean()
          .default(false)
          .describe('Pass on the Host the client asked for; else the name is sent.'),
      })
      .optional()
      .describe('Endpoints by DNS, over http.'),
    file: z
      .strictObject({ path: z.string().min(1).describe('YAML or JSON with `servers`.') })
      .optional()
      .describe('Endpoints from a file, read again when it changes.'),
  })
  .refine(({ dns, file }) => (dns === undefined) !== (file === undefined), {
    message: 'exactly one of `dns` and `file` is needed',
  })

/** What a pool says about its servers. */
interface FoundServers {
  readonly servers: readonly ServerSpec[]
  readonly serverTags: readonly string[]
  readonly discovery?: z.output<typeof discovery> | undefined
  readonly serviceName: string
  readonly serviceRegistry: string
}

/** Where the servers of a pool come from; `file` is what a file of them holds, relative to `baseDir`. */
export function serverSource(
  { servers: listed, serverTags, discovery: found, serviceName, serviceRegistry }: FoundServers,
  baseDir: string,
  file: FileSpec['schema'],
): ServerSource {
  const path = found?.file?.path
  return {
    servers: listed,
    dns: found?.dns ?? null,
    file: path === undefined ? null : { path, baseDir, tags: serverTags, schema: file },
    // Easegress takes one name without the other, and does nothing with it.
    registry:
      serviceName === '' || serviceRegistry === ''
        ? null
        : { registry: serviceRegistry, service: serviceName, tags: serverTags, fallback: listed },
  }
}
