import type { AbiTable } from './abi-table.ts'
import { WASI_PREVIEW1 } from './wasi-preview1.ts'

/** What every getter without an argument is: a pointer to a string or to data. */
const GET = '() -> i32'
const SET = '(i32)'
const LOOK_UP = '(i32) -> i32'
const SET_PAIR = '(i32, i32)'

/**
 * Easegress's ABI of its WasmHost: 50 host calls in one module, and WASI beside it because the toolchains
 * its guests are built with import some of that. docs/easegress-guests.md says what each call does here.
 */
export const EASEGRESS = {
  name: 'easegress',
  imports: {
    easegress: {
      host_req_get_real_ip: GET,
      host_req_get_scheme: GET,
      host_req_get_proto: GET,
      host_req_get_method: GET,
      host_req_set_method: SET,
      host_req_get_host: GET,
      host_req_set_host: SET,
      host_req_get_path: GET,
      host_req_set_path: SET,
      host_req_get_escaped_path: GET,
      host_req_get_query: GET,
      host_req_set_query: SET,
      host_req_get_fragment: GET,
      host_req_get_header: LOOK_UP,
      host_req_get_all_header: GET,
      host_req_set_header: SET_PAIR,
      host_req_set_all_header: SET,
      host_req_add_header: SET_PAIR,
      host_req_del_header: SET,
      host_req_get_cookie: LOOK_UP,
      host_req_get_all_cookie: GET,
      host_req_add_cookie: SET,
      host_req_get_body: GET,
      host_req_set_body: SET,
      host_resp_get_status_code: GET,
      host_resp_set_status_code: SET,
      host_resp_get_header: LOOK_UP,
      host_resp_get_all_header: GET,
      host_resp_set_header: SET_PAIR,
      host_resp_set_all_header: SET,
      host_resp_add_header: SET_PAIR,
      host_resp_del_header: SET,
      host_resp_set_cookie: SET,
      host_resp_get_body: GET,
      host_resp_set_body: SET,
      host_cluster_get_binary: LOOK_UP,
      host_cluster_put_binary: SET_PAIR,
      host_cluster_get_string: LOOK_UP,
      host_cluster_put_string: SET_PAIR,
      host_cluster_get_integer: '(i32) -> i64',
      host_cluster_put_integer: '(i32, i64)',
      host_cluster_add_integer: '(i32, i64) -> i64',
      host_cluster_get_float: '(i32) -> f64',
      host_cluster_put_float: '(i32, f64)',
      host_cluster_add_float: '(i32, f64) -> f64',
      host_cluster_count_key: LOOK_UP,
      host_add_tag: SET,
      host_log: SET_PAIR,
      host_get_unix_time_in_ms: '() -> i64',
      host_rand: '() -> f64',
    },
    wasi_snapshot_preview1: WASI_PREVIEW1,
    env: {
      abort: '(i32, i32, i32, i32)',
    },
  },
  exports: {
    memory: { kind: 'memory', signature: null, isRequired: true },
    wasm_run: { kind: 'function', signature: '() -> i32', isRequired: true },
    wasm_alloc: { kind: 'function', signature: '(i32) -> i32', isRequired: true },
    wasm_free: { kind: 'function', signature: '(i32)', isRequired: true },
    wasm_init: { kind: 'function', signature: '(i32)', isRequired: false },
    _initialize: { kind: 'function', signature: '()', isRequired: false },
    _start: { kind: 'function', signature: '()', isRequired: false },
  },
  phases: { request: 'wasm_run', response: null, done: null },
  runsOnce: true,
  bodyReads: { request: 'host_req_get_body', response: 'host_resp_get_body' },
  suspends: [],
  takesFunctions: false,
} as const satisfies AbiTable

/** The names of the host calls in module `easegress`. */
export type EasegressCall = keyof typeof EASEGRESS.imports.easegress
