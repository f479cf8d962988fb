import type { ServerResponse } from 'node:http'
import type { Control } from '../control/control.ts'
import type { Inspector } from '../inspect/inspector.ts'
import type { LoadPage } from './page.ts'

/** What every route may use. Handed in by the composition root. */
export interface AdminServices {
  readonly control: Control
  /** The kinds an object can have, sorted. */
  readonly objectKinds: readonly string[]
  /** Every metric, in Prometheus's text format. */
  readonly metrics: () => Promise<string>
  /** The version of the gateway. */
  readonly version: string
  /** Null unless exchanges are recorded. */
  readonly inspector: Inspector | null
  /** The inspector's page; null when there is none. */
  readonly page: LoadPage | null
}

/** One request that has passed every check, its body already read. */
export interface Call {
  readonly services: AdminServices
  /** The decoded values of the `{placeholders}` of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Empty when the route takes no body. */
  readonly body: Buffer
  /** The media type of the body, lowercase, without parameters. */
  readonly mediaType: string
  /** Who asks, for the history of what it changes: see `callerOf`. */
  readonly caller: string
  /** Always true unless the route is open. */
  readonly isAuthorized: boolean
  /** Every route of the API, for the list it gives of itself. */
  readonly groups: readonly RouteGroup[]
}

export interface Reply {
  readonly status: number
  /** Sent as JSON, or as YAML when the caller accepts it. */
  readonly data?: unknown
  /** Sent as plain text. */
  readonly text?: string
  /** Sent as they are; needs a content-type of its own. */
  readonly bytes?: Buffer
  /** Writes the body itself, over any time, and ends it; needs a content-type of its own. */
  readonly stream?: (response: ServerResponse) => void
  readonly headers?: Readonly<Record<string, string>>
}

/** Which bodies a route takes. */
export interface BodyRule {
  readonly mediaTypes: readonly string[]
  readonly maxBytes: number
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** One method and path of the admin API. */
export interface Route {
  readonly method: Method
  /** `/apis/v2/objects/{name}`: a placeholder stands for one whole segment. */
  readonly path: string
  /** What it does, for the list of routes. */
  readonly summary: string
  /** Null or left out: a body is ignored. */
  readonly body?: BodyRule | null
  /** Open routes need no token. Default false. */
  readonly isOpen?: boolean
  /** Takes the inspector's key as well as the token. Default false. */
  readonly takesInspectorKey?: boolean
  handle(call: Call): Reply | Promise<Reply>
}

/** The routes of one file, as the API lists them. */
export interface RouteGroup {
  readonly group: string
  readonly routes: readonly Route[]
}

export function defineRoutes(group: string, routes: readonly Route[]): RouteGroup {
  return Object.freeze({ group, routes })
}

/** Where every versioned path begins: the prefix of Easegress. */
export const API_PREFIX = '/apis/v2'
