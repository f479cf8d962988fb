import { isToken } from '../../exchange/field-rules.ts'
import { decodePath, encodePath } from '../../exchange/request.ts'
import { Change } from '../change-log.ts'
import { Message } from '../guest-input.ts'
import { GUEST_LIMITS } from '../limits.ts'
import type { GuestEnv } from './abi.ts'
import { addCookie, readCookie, readCookies } from './easegress-cookies.ts'
import { EasegressHeaders } from './easegress-headers.ts'
import type { EasegressMemory } from './easegress-memory.ts'
import { GuestMisuse, refuse } from './guest-misuse.ts'
import { isHost, isPath } from './penstock-v1-calls.ts'

/**
 * The host calls about the request. Getters see the request as it came to the filter, with what the guest
 * has changed since; setters change the one that goes on.
 */
export function easegressRequestImports(env: GuestEnv, values: EasegressMemory) {
  const { call } = env
  const headers = new EasegressHeaders(call, Message.request)
  const { headerNameBytes, headerValueBytes, headerBytes, targetBytes, bodyBytes } = GUEST_LIMITS
  const utf8 = (text: string): number => values.returnString(Buffer.from(text, 'utf8'))

  return {
    host_req_get_real_ip: () => values.returnLatin1(call.input.clientAddress),
    host_req_get_scheme: () => values.returnLatin1(call.input.scheme),
    host_req_get_proto: () => values.returnLatin1(protocolOf(call.input.protocol)),
    host_req_get_method: () => values.returnLatin1(call.method),
    host_req_set_method(pointer: number): void {
      const method = values.latin1(pointer, headerNameBytes)
      if (!isToken(method)) throw new GuestMisuse(`"${method}" is no method`)
      refuse(call.setField(Change.method, method), 'the method')
    },
    host_req_get_host: () => values.returnLatin1(call.host),
    host_req_set_host(pointer: number): void {
      const host = values.latin1(pointer, headerNameBytes)
      if (!isHost(host)) throw new GuestMisuse(`"${host}" is no host`)
      refuse(call.setField(Change.host, host), 'the host')
    },
    host_req_get_path: () => utf8(decodePath(call.path)),
    host_req_set_path(pointer: number): void {
      const text = values.utf8(pointer, targetBytes)
      const path = encodePath(text.startsWith('/') ? text : `/${text}`)
      if (!isPath(path)) throw new GuestMisuse(`"${text}" is no path`)
      refuse(call.setField(Change.path, path), 'the path')
    },
    host_req_get_escaped_path: () => values.returnLatin1(call.path),
    host_req_get_query: () => values.returnLatin1(call.query),
    host_req_set_query(pointer: number): void {
      const query = encodeQuery(values.latin1(pointer, targetBytes))
      refuse(call.setField(Change.query, query), 'the query')
    },
    // A client sends none to a server (RFC 9110, section 4.2.5).
    host_req_get_fragment: () => values.returnLatin1(''),
    host_req_get_header: (name: number) =>
      values.returnLatin1(headers.get(values.latin1(name, headerNameBytes))),
    host_req_get_all_header: () => values.returnLatin1(headers.text()),
    host_req_set_header(name: number, value: number): void {
      headers.set(values.latin1(name, headerNameBytes), values.latin1(value, headerValueBytes))
    },
    host_req_set_all_header(pointer: number): void {
      headers.setText(values.latin1(pointer, headerBytes))
    },
    host_req_add_header(name: number, value: number): void {
      headers.add(values.latin1(name, headerNameBytes), values.latin1(value, headerValueBytes))
    },
    host_req_del_header(name: number): void {
      headers.remove(values.latin1(name, headerNameBytes))
    },
    host_req_get_cookie: (name: number) =>
      values.returnLatin1(readCookie(headers.all, values.latin1(name, headerNameBytes))),
    host_req_get_all_cookie: () =>
      values.returnArray(readCookies(headers.all).map((cookie) => Buffer.from(cookie, 'latin1'))),
    host_req_add_cookie(pointer: number): void {
      const text = values.latin1(pointer, headerValueBytes)
      headers.set('Cookie', addCookie(headers.all, text))
    },
    host_req_get_body(): number {
      if (call.requestBody === null) {
        throw new GuestMisuse(
          'the body of the request has been sent on: put the filter before the Proxy',
        )
      }
      return values.returnData(call.requestBody)
    },
    host_req_set_body(pointer: number): void {
      refuse(call.setBody(Message.request, values.data(pointer, bodyBytes)), 'the body')
    },
  }
}

/** As Go names it. */
function protocolOf(version: string): string {
  return `HTTP/${version.includes('.') ? version : `${version}.0`}`
}

/** What may not stand in a query is percent-encoded (RFC 3986, section 3.4); the rest stays as it is. */
function encodeQuery(query: string): string {
  return query.replace(
    /%(?![0-9A-Fa-f]{2})|[^!$-;=?-Z_a-z~]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
