import type { FilterKind } from './filter.ts'
import { mock } from './mock.ts'
import { proxy } from './proxy.ts'
import { requestAdaptor } from './request-adaptor.ts'
import { responseAdaptor } from './response-adaptor.ts'
import { wasmHost } from './wasm-host.ts'

/** Every kind of filter; adding one is a file, a line here, a test and an example. */
export const FILTER_KINDS: readonly FilterKind[] = [
  mock,
  proxy,
  requestAdaptor,
  responseAdaptor,
  wasmHost,
]
