import {
  host_cluster_add_integer,
  host_cluster_count_key,
  host_cluster_get_string,
  host_cluster_put_string,
  host_get_unix_time_in_ms,
  host_rand,
  host_req_get_header,
} from './easegress'
import { at, takeParameters, takeText, text } from './memory'

export { wasm_alloc, wasm_free } from './memory'

const NOT_STARTED: i32 = 1
const OUT_OF_LUCK: i32 = 2
const SOLD_OUT: i32 = 3

let startsAt: i64 = 0
let blockRatio: f64 = 0
let permits: i64 = 0

export function wasm_init(pointer: usize): void {
  const parameters = takeParameters(pointer)
  startsAt = I64.parseInt(parameters.get('startTime'))
  blockRatio = parseFloat(parameters.get('blockRatio'))
  permits = I64.parseInt(parameters.get('maxPermission'))
}

/**
 * Lets some of the many who come at once through: nobody before the start, a share of them by chance, and
 * never more users than there are permits. Who got one keeps it.
 */
export function wasm_run(): i32 {
  if (host_get_unix_time_in_ms() < startsAt) return NOT_STARTED
  const user = takeText(host_req_get_header(at(text('x-user'))))
  const key = text(`user:${user}`)
  if (takeText(host_cluster_get_string(at(key))) == 'yes') return 0
  if (host_cluster_count_key(at(text('user:'))) >= permits) return SOLD_OUT
  if (host_rand() < blockRatio) return OUT_OF_LUCK
  // Others have looked at the same moment: the counter decides.
  if (host_cluster_add_integer(at(text('permits')), 1) > permits) return SOLD_OUT
  host_cluster_put_string(at(key), at(text('yes')))
  return 0
}
