import {
  host_req_add_header,
  host_req_del_header,
  host_req_get_all_header,
  host_req_get_escaped_path,
  host_req_get_fragment,
  host_req_get_header,
  host_req_get_host,
  host_req_get_method,
  host_req_get_path,
  host_req_get_proto,
  host_req_get_query,
  host_req_get_real_ip,
  host_req_get_scheme,
  host_req_set_all_header,
  host_req_set_header,
  host_req_set_host,
  host_req_set_method,
  host_req_set_path,
  host_req_set_query,
} from './easegress'
import { at, takeParameters, takeText, text } from './memory'

export { wasm_alloc, wasm_free } from './memory'

let prefix = 'none'

export function wasm_init(pointer: usize): void {
  const parameters = takeParameters(pointer)
  if (parameters.has('prefix')) prefix = parameters.get('prefix')
}

function set(name: string, value: string): void {
  host_req_set_header(at(text(name)), at(text(value)))
}

/** Every field of the request as a header, then everything that can be set. */
export function wasm_run(): i32 {
  set('x-prefix', prefix)
  set('x-ip', takeText(host_req_get_real_ip()))
  set('x-scheme', takeText(host_req_get_scheme()))
  set('x-proto', takeText(host_req_get_proto()))
  set('x-method', takeText(host_req_get_method()))
  set('x-path', encodeURIComponent(takeText(host_req_get_path())))
  set('x-escaped', takeText(host_req_get_escaped_path()))
  set('x-query', takeText(host_req_get_query()))
  set('x-host', takeText(host_req_get_host()))
  set('x-fragment', `[${takeText(host_req_get_fragment())}]`)
  set('x-first', takeText(host_req_get_header(at(text('X-MANY')))))
  set('x-absent', `[${takeText(host_req_get_header(at(text('x-none'))))}]`)
  host_req_add_header(at(text('x-many')), at(text('three')))
  host_req_del_header(at(text('x-gone')))
  // These belong to the host: nothing happens.
  set('content-length', '7')
  host_req_del_header(at(text('host')))
  const all = takeText(host_req_get_all_header())
  host_req_set_all_header(at(text(`${all}X-All: ${all.split('\r\n').length - 1}\r\n`)))
  host_req_set_method(at(text('PUT')))
  host_req_set_host(at(text('other.example:81')))
  host_req_set_path(at(text('/new path/ü')))
  host_req_set_query(at(text('a=b c&d=%20')))
  set('x-after', `${takeText(host_req_get_method())} ${takeText(host_req_get_escaped_path())}`)
  return 0
}
