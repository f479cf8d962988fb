import {
  host_req_add_cookie,
  host_req_get_all_cookie,
  host_req_get_cookie,
  host_req_set_header,
  host_resp_set_cookie,
} from './easegress'
import { at, takeText, takeTexts, text } from './memory'

export { wasm_alloc, wasm_free } from './memory'

/** A request without a session gets one; the answer sets it. */
export function wasm_run(): i32 {
  const all = takeTexts(host_req_get_all_cookie())
  host_req_set_header(at(text('x-cookies')), at(text(all.join('|'))))
  const session = takeText(host_req_get_cookie(at(text('session'))))
  host_req_set_header(at(text('x-session')), at(text(session)))
  if (session != '') return 0
  host_req_add_cookie(at(text('session=new; Path=/; HttpOnly')))
  host_resp_set_cookie(at(text('session=new; Path=/; HttpOnly')))
  return 1
}
