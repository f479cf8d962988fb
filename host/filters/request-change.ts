import { z } from '../config/schema.ts'
import { Body } from '../exchange/body.ts'
import { isToken } from '../exchange/field-rules.ts'
import type { Request } from '../exchange/request.ts'
import { compileHeaderAdapt, type HeaderAdaptSpec } from './header-adapt.ts'
import { headerAdapt } from './header-spec.ts'
import { compilePathAdapt, type PathAdaptSpec, pathAdapt } from './path-adapt.ts'

/** The fields that say how a request changes. */
export function requestChange() {
  return {
    method: z
      .string()
      .refine((method) => method === '' || isToken(method), 'is not a method')
      .default('')
      .describe('The new method; it stays when empty.'),
    host: z
      .string()
      .regex(/^[A-Za-z0-9.\-_:[\]]*$/, 'is not a host')
      .default('')
      .describe('The host the upstream is asked for; it stays when empty.'),
    path: pathAdapt().optional().describe('How the path changes; the first that is set counts.'),
    header: headerAdapt().optional().describe('How headers change.'),
    body: z.string().optional().describe('The new body.'),
  }
}

export interface RequestChangeSpec {
  /** "" leaves it. */
  readonly method: string
  /** "" leaves it. */
  readonly host: string
  readonly path?: PathAdaptSpec | undefined
  readonly header?: HeaderAdaptSpec | undefined
  readonly body?: string | undefined
}

export type RequestChange = (request: Request) => void

/** The change of a request, with everything worked out that does not depend on it. */
export function compileRequestChange(spec: RequestChangeSpec): RequestChange {
  const { method, host } = spec
  const adaptHeaders = compileHeaderAdapt(spec.header)
  const adaptPath = spec.path === undefined ? null : compilePathAdapt(spec.path)
  const body = spec.body === undefined ? null : Buffer.from(spec.body, 'utf8')
  return (request) => {
    if (method !== '') request.method = method
    if (host !== '') request.host = host
    if (adaptPath !== null) request.path = adaptPath(request)
    adaptHeaders?.(request.headers)
    if (body !== null) {
      request.body.cancel('a filter replaced the body')
      request.body = Body.bytes(body)
      // It said how the body that is gone was encoded.
      if (request.headers.has('content-encoding')) request.headers.remove('content-encoding')
    }
  }
}
