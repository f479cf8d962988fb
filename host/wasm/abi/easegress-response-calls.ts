import { Message } from '../guest-input.ts'
import { GUEST_LIMITS } from '../limits.ts'
import type { GuestEnv } from './abi.ts'
import { checkSetCookie } from './easegress-cookies.ts'
import { EasegressHeaders } from './easegress-headers.ts'
import type { EasegressMemory } from './easegress-memory.ts'
import { GuestMisuse, refuse } from './guest-misuse.ts'

/**
 * The host calls about the response. Where there is none yet, it reads as an empty one with status 200,
 * and the first change makes it.
 */
export function easegressResponseImports(env: GuestEnv, values: EasegressMemory) {
  const { call } = env
  const headers = new EasegressHeaders(call, Message.response)
  const { headerNameBytes, headerValueBytes, headerBytes, bodyBytes } = GUEST_LIMITS

  return {
    host_resp_get_status_code: () => (call.hasResponse ? call.status : 200),
    host_resp_set_status_code(status: number): void {
      call.makeResponse()
      refuse(call.setStatus(status), `the status ${status}`)
    },
    host_resp_get_header: (name: number) =>
      values.returnLatin1(headers.get(values.latin1(name, headerNameBytes))),
    host_resp_get_all_header: () => values.returnLatin1(headers.text()),
    host_resp_set_header(name: number, value: number): void {
      call.makeResponse()
      headers.set(values.latin1(name, headerNameBytes), values.latin1(value, headerValueBytes))
    },
    host_resp_set_all_header(pointer: number): void {
      call.makeResponse()
      headers.setText(values.latin1(pointer, headerBytes))
    },
    host_resp_add_header(name: number, value: number): void {
      call.makeResponse()
      headers.add(values.latin1(name, headerNameBytes), values.latin1(value, headerValueBytes))
    },
    host_resp_del_header(name: number): void {
      call.makeResponse()
      headers.remove(values.latin1(name, headerNameBytes))
    },
    host_resp_set_cookie(pointer: number): void {
      call.makeResponse()
      headers.add('Set-Cookie', checkSetCookie(values.latin1(pointer, headerValueBytes)))
    },
    host_resp_get_body(): number {
      if (call.responseBody !== null) return values.returnData(call.responseBody)
      if (call.input.responseHeaders === null) return values.returnData(EMPTY)
      throw new GuestMisuse('the body of the response cannot be read any more')
    },
    host_resp_set_body(pointer: number): void {
      call.makeResponse()
      refuse(call.setBody(Message.response, values.data(pointer, bodyBytes)), 'the body')
    },
  }
}

const EMPTY = new Uint8Array(0)
