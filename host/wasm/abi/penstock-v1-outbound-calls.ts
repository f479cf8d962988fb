import { Right } from '../grant/grant.ts'
import { Errno, GUEST_LIMITS } from '../limits.ts'
import { refusal } from '../outbound/guest-ask.ts'
import type { GuestCalls } from '../outbound/guest-calls.ts'
import { CALL_FUEL, OUTBOUND_LIMITS } from '../outbound/outbound-limits.ts'
import type { GuestEnv } from './abi.ts'

/** What a guest can use: bits of what `features` returns. Further ones are added, none is taken away. */
const FEATURES = {
  random: 1,
  secrets: 2,
  metrics: 4,
  outbound: 8,
  functions: 16,
  keys: 32,
} as const

/** Random, secrets, and the answers of calls among the `penstock_v1` imports. */
export function penstockV1MoreImports(env: GuestEnv): WebAssembly.ModuleImports {
  const { memory, call, secrets, calls } = env
  const { grant } = call
  const features =
    FEATURES.random |
    (grant.secrets.length > 0 ? FEATURES.secrets : 0) |
    ((grant.rights & Right.metrics) !== 0 ? FEATURES.metrics : 0) |
    (grant.outbound.length > 0 ? FEATURES.outbound : 0) |
    (grant.functions.length > 0 ? FEATURES.functions : 0) |
    (grant.keys.length > 0 ? FEATURES.keys : 0)

  return {
    features: () => features,

    random_fill(buf: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.randomBytes) return Errno.tooLarge
      env.random(memory.window(buf, len))
      return 0
    },

    secret_get(keyPtr: number, keyLen: number, buf: number, cap: number): number {
      if (keyLen >>> 0 > GUEST_LIMITS.contextKeyBytes) return Errno.tooLarge
      const name = memory.utf8(keyPtr, keyLen)
      if (!grant.secrets.includes(name)) return call.deny('secrets')
      const value = secrets.get(name)
      return value === undefined ? Errno.absent : memory.putUtf8(value, buf, cap)
    },

    answer_head(buf: number, cap: number): number {
      return calls === null ? Errno.absent : memory.putUtf8(calls.answer.head, buf, cap)
    },

    answer_size(): number {
      return calls === null ? Errno.absent : calls.answer.body.length
    },

    answer_get(offset: number, buf: number, cap: number): number {
      if (calls === null) return Errno.absent
      const { body } = calls.answer
      const from = Math.min(offset >>> 0, body.length)
      const count = Math.min(cap >>> 0, body.length - from)
      memory.putBytes(body.subarray(from, from + count), buf)
      return count
    },
  }
}

/** Both kinds of host calls a guest can come to wait in. */
interface WaitingImports {
  readonly own: WebAssembly.ModuleImports
  readonly functions: WebAssembly.ModuleImports
}

/** In place of `suspendingImports` where nobody can answer, as in a measurement: every call is unavailable. */
export function unansweredImports(env: GuestEnv): WaitingImports {
  const unavailable = (): number => Errno.unavailable
  return {
    own: { http_call: unavailable },
    functions: Object.fromEntries(env.functions.map((name) => [name, unavailable])),
  }
}

/** The host calls for which a guest is suspended, of `penstock_v1` and of the embedder's functions. */
export function suspendingImports(env: GuestEnv, calls: GuestCalls): WaitingImports {
  const { memory, call } = env
  const { grant } = call
  const refused = (): number => {
    memory.spend(CALL_FUEL)
    return calls.take() ? 0 : Errno.tooLarge
  }
  // What is refused at once is the last answer too: a guest that asks why must not read the one before.
  const noted = (code: number | Promise<number>): number | Promise<number> => {
    if (typeof code === 'number') calls.answer = refusal(code, '')
    return code
  }
  const httpCall = (
    headPtr: number,
    headLen: number,
    bodyPtr: number,
    bodyLen: number,
    timeoutMs: number,
  ): number | Promise<number> => {
    if (grant.outbound.length === 0) return call.deny('outbound')
    if (headLen >>> 0 > OUTBOUND_LIMITS.headBytes || bodyLen >>> 0 > OUTBOUND_LIMITS.bodyBytes) {
      return Errno.tooLarge
    }
    if (!(timeoutMs >= 0)) return Errno.invalid
    const head = memory.latin1(headPtr, headLen)
    const body = memory.copy(bodyPtr, bodyLen)
    const code = refused()
    if (code !== 0) return code
    return calls.ask({ kind: 'http', head, body, timeoutMs })
  }
  const functions: WebAssembly.ModuleImports = {}
  for (const name of env.functions) {
    functions[name] = new WebAssembly.Suspending(
      (ptr: number, len: number): number | Promise<number> => {
        if (!grant.functions.includes(name)) return noted(call.deny(`functions ${name}`))
        if (len >>> 0 > OUTBOUND_LIMITS.bodyBytes) return noted(Errno.tooLarge)
        const argument = memory.copy(ptr, len)
        const code = refused()
        return code === 0 ? calls.ask({ kind: 'function', name, argument }) : noted(code)
      },
    )
  }
  const http_call = new WebAssembly.Suspending(
    (headPtr: number, headLen: number, bodyPtr: number, bodyLen: number, timeoutMs: number) =>
      noted(httpCall(headPtr, headLen, bodyPtr, bodyLen, timeoutMs)),
  )
  return { own: { http_call }, functions }
}
