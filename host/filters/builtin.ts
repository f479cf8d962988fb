import { certExtractor } from './cert-extractor.ts'
import { corsAdaptor } from './cors-adaptor.ts'
import { dataBuilder } from './data-builder.ts'
import { fallback } from './fallback.ts'
import type { FilterKind } from './filter.ts'
import { headerToJson } from './header-to-json.ts'
import { mock } from './mock.ts'
import { proxy } from './proxy.ts'
import { rateLimiter } from './rate-limiter.ts'
import { redirector } from './redirector.ts'
import { redirectorV2 } from './redirector-v2.ts'
import { remoteFilter } from './remote-filter.ts'
import { requestAdaptor } from './request-adaptor.ts'
import { requestBuilder } from './request-builder.ts'
import { responseAdaptor } from './response-adaptor.ts'
import { responseBuilder } from './response-builder.ts'
import { resultBuilder } from './result-builder.ts'
import { validator } from './validator.ts'
import { wasmHost } from './wasm-host.ts'
import { websocketProxy } from './websocket-proxy.ts'

/** Every kind of filter; adding one is a file, a line here, a test and an example. */
export const FILTER_KINDS: readonly FilterKind[] = [
  certExtractor,
  corsAdaptor,
  dataBuilder,
  fallback,
  headerToJson,
  mock,
  proxy,
  rateLimiter,
  redirector,
  redirectorV2,
  remoteFilter,
  requestAdaptor,
  requestBuilder,
  responseAdaptor,
  responseBuilder,
  resultBuilder,
  validator,
  wasmHost,
  websocketProxy,
]
