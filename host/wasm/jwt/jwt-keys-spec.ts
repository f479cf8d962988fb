import { z } from '../../config/schema.ts'
import { reasonOf } from '../../errors.ts'
import { JWT_ALGORITHMS, readJwtKey } from './jwt-key.ts'

/** Keys of one filter. */
const MAX_KEYS = 16

/** Characters of a key: an RSA key of 8,192 bits has 1,500, a certificate some more. */
const MAX_KEY_LENGTH = 16 * 1024

const keyName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'a letter, then at most 63 letters, digits, _ . or -')

const keySpec = z
  .strictObject({
    algorithm: z.enum(JWT_ALGORITHMS).describe('The one algorithm of tokens that it verifies.'),
    secret: z
      .string()
      .max(MAX_KEY_LENGTH)
      .default('')
      .describe('For HS256, HS384 and HS512: the secret, in hex, as long as the hash or longer.'),
    publicKey: z
      .string()
      .max(MAX_KEY_LENGTH)
      .default('')
      .describe('For the others: the public key or the certificate, in PEM.'),
  })
  .superRefine((spec, context) => {
    const refuse = (path: 'secret' | 'publicKey', message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message })
    const [wanted, other] = spec.algorithm.startsWith('HS')
      ? (['secret', 'publicKey'] as const)
      : (['publicKey', 'secret'] as const)
    if (spec[other] !== '') refuse(other, `${spec.algorithm} takes \`${wanted}\` in its place`)
    if (spec[wanted] === '') return refuse(wanted, `${spec.algorithm} needs \`${wanted}\``)
    try {
      readJwtKey(spec.algorithm, spec[wanted])
    } catch (error) {
      refuse(wanted, reasonOf(error))
    }
  })

/** The field `keys` of a WasmHost filter: what it may have tokens verified with, and never sees. */
export const jwtKeysSpec = z
  .record(keyName, keySpec)
  .refine((keys) => Object.keys(keys).length <= MAX_KEYS, `at most ${MAX_KEYS} keys`)

/** What an operator writes. */
export type JwtKeysSpec = z.output<typeof jwtKeysSpec>
