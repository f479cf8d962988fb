import { createSecretKey } from 'node:crypto'
import type { z } from '../../config/schema.ts'
import { reasonOf } from '../../errors.ts'
import { cookieOf } from '../../exchange/cookies.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import { isFieldValue } from '../../exchange/field-rules.ts'
import type { Request } from '../../exchange/request.ts'
import type { FilterEnv } from '../env.ts'
import { Introspection } from './introspection.ts'
import { Jwks } from './jwks.ts'
import { type JwtKeys, type JwtRules, readKey, verifyJwt } from './jwt.ts'
import type { jwtField, oauth2Field } from './token-fields.ts'

type JwtSpec = z.output<ReturnType<typeof jwtField>>
type Oauth2Spec = z.output<ReturnType<typeof oauth2Field>>

/** Checks the token of a request; answers what is wrong, or null. */
export interface TokenCheck {
  check(request: Request, exchange: Exchange): Promise<string | null>
  close(): void
}

export function createJwtCheck(spec: JwtSpec, env: FilterEnv): TokenCheck {
  const jwks = spec.jwksUrl === '' ? null : new Jwks(spec.jwksUrl, env)
  const keys: JwtKeys = jwks?.get ?? readKey(spec.algorithm, spec.secret, spec.publicKey)
  const { algorithm, issuer, audience } = spec
  const rules: JwtRules = { algorithms: [algorithm], issuer, audience }
  return {
    async check(request) {
      const token = cookieToken(request, spec.cookieName) ?? bearerToken(request)
      if (token === null) return 'there is no token'
      const payload = await verifyJwt(token, keys, rules)
      return typeof payload === 'string' ? payload : null
    },
    close: () => jwks?.close(),
  }
}

export function createOauth2Check(spec: Oauth2Spec, env: FilterEnv): TokenCheck {
  const { tokenIntrospect, jwt } = spec
  const introspection =
    tokenIntrospect === undefined ? null : new Introspection(tokenIntrospect, env)
  const key = jwt === undefined ? null : createSecretKey(Buffer.from(jwt.secret, 'hex'))
  const rules: JwtRules = { algorithms: [jwt?.algorithm ?? 'HS256'], issuer: '', audience: '' }
  return {
    async check(request, exchange) {
      const token = bearerToken(request)
      if (token === null) return 'there is no token'
      if (key !== null) {
        const payload = await verifyJwt(token, key, rules)
        if (typeof payload === 'string') return payload
        passOn(request, payload['sub'], payload['scope'])
        return null
      }
      try {
        const info = await introspection?.ask(token, exchange)
        if (info?.['active'] !== true) return 'the token is not active'
        passOn(request, info['sub'], info['scope'])
        return null
      } catch (error) {
        return reasonOf(error)
      }
    },
    close: () => introspection?.close(),
  }
}

function cookieToken(request: Request, name: string): string | null {
  const value = name === '' ? undefined : cookieOf(request.headers, name)
  return value === undefined || value === '' ? null : value
}

function bearerToken(request: Request): string | null {
  const match = /^bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')
  return match?.[1] ?? null
}

/** Who it is, for the upstream. What the client itself says of that is dropped in any case. */
function passOn(request: Request, subject: unknown, scope: unknown): void {
  const { headers } = request
  headers.remove('x-authenticated-userid')
  headers.remove('x-authenticated-scope')
  if (isSendable(subject)) headers.set('X-Authenticated-Userid', subject)
  if (isSendable(scope)) headers.set('X-Authenticated-Scope', scope)
}

function isSendable(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && isFieldValue(value)
}
