import {
  host_req_get_body,
  host_req_set_body,
  host_resp_get_all_header,
  host_resp_get_body,
  host_resp_get_header,
  host_resp_get_status_code,
  host_resp_set_body,
  host_resp_set_header,
  host_resp_set_status_code,
} from './easegress'
import { at, data, takeData, takeParameters, takeText, text } from './memory'

export { wasm_alloc, wasm_free } from './memory'

let isResponse = false

export function wasm_init(pointer: usize): void {
  isResponse = takeParameters(pointer).has('response')
}

/** ASCII letters of the body as capitals: of the request, or of the response after a Proxy. */
export function wasm_run(): i32 {
  if (!isResponse) {
    host_req_set_body(at(data(upper(takeData(host_req_get_body())))))
    return 0
  }
  const body = takeData(host_resp_get_body())
  const status = host_resp_get_status_code()
  const type = takeText(host_resp_get_header(at(text('content-type'))))
  const lines = takeText(host_resp_get_all_header()).split('\r\n').length - 1
  host_resp_set_status_code(status + 1)
  host_resp_set_header(at(text('x-saw')), at(text(`${status} ${type} ${lines} ${body.length}`)))
  host_resp_set_body(at(data(upper(body))))
  return 0
}

function upper(bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] >= 0x61 && bytes[i] <= 0x7a) bytes[i] -= 0x20
  }
  return bytes
}
