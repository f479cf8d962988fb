import { z } from '../../config/schema.ts'
import { reasonOf } from '../../errors.ts'
import { JWT_ALGORITHMS } from '../../wasm/jwt/jwt-key.ts'
import { readKey } from './jwt.ts'

const hex = (what: string) =>
  z
    .string()
    .regex(/^(?:[0-9A-Fa-f]{2})*$/, 'must be written in hex')
    .default('')
    .describe(what)

const httpUrl = () =>
  z.url({ protocol: /^https?$/, error: 'must be a URL such as https://login.example/keys' })

/** A JSON Web Token in a header or a cookie. */
export function jwtField() {
  return z
    .strictObject({
      algorithm: z.enum(JWT_ALGORITHMS).describe('The one algorithm that is taken.'),
      secret: hex('For HS256, HS384 and HS512: the secret, in hex.'),
      publicKey: hex('For the others: the public key in PEM, in hex.'),
      cookieName: z
        .string()
        .default('')
        .describe('The cookie that has the token; the header Authorization when there is none.'),
      jwksUrl: z
        .union([z.literal(''), httpUrl()])
        .default('')
        .describe('In place of `publicKey`: where a set of keys is. Easegress does not have this.'),
      issuer: z
        .string()
        .default('')
        .describe('What the token must name as its issuer. Easegress does not have this.'),
      audience: z
        .string()
        .default('')
        .describe('Whom the token must be meant for. Easegress does not have this.'),
    })
    .superRefine((spec, context) => {
      if (spec.jwksUrl !== '' && !spec.algorithm.startsWith('HS')) return
      try {
        readKey(spec.algorithm, spec.secret, spec.publicKey)
      } catch (error) {
        context.addIssue({ code: 'custom', path: ['algorithm'], message: reasonOf(error) })
      }
    })
    .describe('A valid JSON Web Token; else 401.')
}

/** An OAuth 2 access token, which the server that issued it is asked about, or which is a JWT. */
export function oauth2Field() {
  return z
    .strictObject({
      tokenIntrospect: z
        .strictObject({
          endPoint: httpUrl().describe('Where tokens are asked about.'),
          clientId: z.string().default('').describe('Sent with its secret in the form.'),
          clientSecret: z.string().default('').describe('The secret of `clientId`.'),
          basicAuth: z
            .string()
            .default('')
            .describe('Without `clientId`: sent in the header Authorization.'),
          insecureTls: z
            .boolean()
            .default(false)
            .describe('Any certificate is taken: whoever stands in between can let anybody in.'),
        })
        .optional()
        .describe('Ask an authorization server (RFC 7662).'),
      jwt: z
        .strictObject({
          algorithm: z
            .enum(['HS256', 'HS384', 'HS512'])
            .describe('The one algorithm that is taken.'),
          secret: hex('The secret, in hex.').refine((text) => text !== '', 'must not be empty'),
        })
        .optional()
        .describe('The token is a JWT.'),
    })
    .refine(
      (spec) => (spec.tokenIntrospect === undefined) !== (spec.jwt === undefined),
      'needs either `tokenIntrospect` or `jwt`',
    )
    .describe('A valid OAuth 2 access token; else 401.')
}
