import {
  host_add_tag,
  host_cluster_add_float,
  host_cluster_add_integer,
  host_cluster_count_key,
  host_cluster_get_binary,
  host_cluster_get_float,
  host_cluster_get_integer,
  host_cluster_get_string,
  host_cluster_put_binary,
  host_cluster_put_float,
  host_cluster_put_integer,
  host_cluster_put_string,
  host_get_unix_time_in_ms,
  host_log,
  host_rand,
  host_resp_set_body,
} from './easegress'
import { at, data, takeData, takeText, text } from './memory'

export { wasm_alloc, wasm_free } from './memory'

/** Uses every kind of shared data, and answers with what it found. */
export function wasm_run(): i32 {
  const calls = host_cluster_add_integer(at(text('calls')), 1)
  const before = takeText(host_cluster_get_string(at(text('text'))))
  host_cluster_put_string(at(text('text')), at(text(`${calls} grüße`)))
  const half = host_cluster_add_float(at(text('float')), 0.5)
  const bytes = takeData(host_cluster_get_binary(at(text('bytes'))))
  const more = new Uint8Array(bytes.length + 1)
  more.set(bytes)
  more[bytes.length] = 0xff
  host_cluster_put_binary(at(text('bytes')), at(data(more)))
  host_cluster_put_integer(at(text('number:i')), calls * 10)
  host_cluster_put_float(at(text('number:f')), half * 10)
  const numbers =
    (host_cluster_get_integer(at(text('number:i'))) as f64) +
    host_cluster_get_float(at(text('number:f')))
  // What is no number counts as 0, and so does what is not there.
  const none = host_cluster_get_integer(at(text('text'))) + host_cluster_get_integer(at(text('x')))
  const count = host_cluster_count_key(at(text('number:')))
  const isRandom = host_rand() < 1 && host_get_unix_time_in_ms() > 1_700_000_000_000
  host_add_tag(at(text(`call ${calls}`)))
  host_log(1, at(text(`counted ${calls}`)))
  const answer = `${calls}|${before}|${half}|${bytes.length}|${numbers}|${none}|${count}|${isRandom}`
  host_resp_set_body(at(data(Uint8Array.wrap(String.UTF8.encode(answer)))))
  return 0
}
