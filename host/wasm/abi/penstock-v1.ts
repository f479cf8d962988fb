import type { AbiTable } from './abi-table.ts'

/** `penstock_v1` as sdk/ABI.md describes it. Only additions from the day that file is no longer provisional. */
export const PENSTOCK_V1 = {
  name: 'penstock_v1',
  imports: {
    penstock_v1: {
      field_get: '(i32, i32, i32) -> i32',
      field_set: '(i32, i32, i32) -> i32',
      status_get: '() -> i32',
      status_set: '(i32) -> i32',
      header_id: '(i32, i32) -> i32',
      header_get: '(i32, i32, i32, i32) -> i32',
      header_count: '(i32, i32) -> i32',
      header_get_at: '(i32, i32, i32, i32, i32) -> i32',
      header_names: '(i32, i32, i32) -> i32',
      header_set: '(i32, i32, i32, i32) -> i32',
      header_add: '(i32, i32, i32, i32) -> i32',
      header_remove: '(i32, i32) -> i32',
      body_size: '(i32) -> i32',
      body_get: '(i32, i32, i32, i32) -> i32',
      body_set: '(i32, i32, i32) -> i32',
      reply: '(i32, i32, i32) -> i32',
      ctx_get: '(i32, i32, i32, i32) -> i32',
      ctx_put: '(i32, i32, i32, i32) -> i32',
      param_get: '(i32, i32, i32, i32) -> i32',
      log: '(i32, i32, i32)',
      now: '() -> f64',
      tag: '(i32, i32) -> i32',
      kv_get: '(i32, i32, i32, i32) -> i32',
      kv_put: '(i32, i32, i32, i32, f64) -> i32',
      kv_delete: '(i32, i32) -> i32',
      kv_cas: '(i32, i32, i32, i32, i32, i32, f64) -> i32',
      kv_add: '(i32, i32, i64, f64, i32) -> i32',
      kv_add_float: '(i32, i32, f64, f64, i32) -> i32',
      kv_count: '(i32, i32) -> i32',
    },
    env: {
      abort: '(i32, i32, i32, i32)',
    },
  },
  exports: {
    memory: { kind: 'memory', signature: null, isRequired: true },
    _initialize: { kind: 'function', signature: '()', isRequired: false },
    penstock_configure: { kind: 'function', signature: '() -> i32', isRequired: false },
    penstock_on_request: { kind: 'function', signature: '() -> i32', isRequired: false },
    penstock_on_response: { kind: 'function', signature: '() -> i32', isRequired: false },
    penstock_on_done: { kind: 'function', signature: '()', isRequired: false },
  },
  phases: {
    request: 'penstock_on_request',
    response: 'penstock_on_response',
    done: 'penstock_on_done',
  },
  runsOnce: false,
  bodyReads: { request: null, response: null },
} as const satisfies AbiTable

/** The names of the host calls in module `penstock_v1`. */
export type PenstockCall = keyof typeof PENSTOCK_V1.imports.penstock_v1
