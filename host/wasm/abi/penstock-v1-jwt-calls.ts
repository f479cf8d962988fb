import { keysAmong } from '../jwt/filter-keys.ts'
import { verifyJwt } from '../jwt/verify-jwt.ts'
import { Errno, GUEST_LIMITS } from '../limits.ts'
import type { GuestEnv } from './abi.ts'

/**
 * Tokens among the `penstock_v1` imports: a guest names a key and never sees it; sdk/ABI.md says what each
 * promises. What a guest may name is the filter's grant, and the key says the algorithm.
 */
export function penstockV1JwtImports(env: GuestEnv): WebAssembly.ModuleImports {
  const { memory, call } = env
  const keys = keysAmong(call.grant, env.secrets)

  return {
    jwt_key(namePtr: number, nameLen: number): number {
      if (nameLen >>> 0 > GUEST_LIMITS.contextKeyBytes) return Errno.tooLarge
      return keys.has(memory.utf8(namePtr, nameLen)) ? 0 : Errno.absent
    },

    jwt_verify(namePtr: number, nameLen: number, ptr: number, len: number, leeway: number): number {
      if (nameLen >>> 0 > GUEST_LIMITS.contextKeyBytes) return Errno.tooLarge
      const key = keys.get(memory.utf8(namePtr, nameLen))
      if (key === undefined) return call.deny('keys')
      if (len >>> 0 > GUEST_LIMITS.tokenBytes) return Errno.tooLarge
      if (leeway < 0 || leeway > GUEST_LIMITS.tokenLeewaySeconds) return Errno.invalid
      const token = memory.latin1(ptr, len)
      // Before the work: who cannot pay for a verification gets none.
      memory.spend(key.fuel)
      return verifyJwt(token, key, env.wallMs(), leeway)
    },
  }
}
