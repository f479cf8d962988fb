import { duration, text, z } from '../../config/schema.ts'
import { isToken } from '../../exchange/field-rules.ts'

/** How old a signature may be when the configuration does not say. */
export const DEFAULT_TTL = '15m'

/** The names a signature is written with; those of AWS are one set of them. */
function literalField() {
  return z
    .strictObject({
      scopeSuffix: text().default('request').describe('The last part of the scope.'),
      algorithmName: text().default('X-Algorithm').describe('The query field of the algorithm.'),
      algorithmValue: text().default('HMAC-SHA256').describe('The name of the algorithm.'),
      signedHeaders: text()
        .default('X-SignedHeaders')
        .describe('The query field of the names of the signed headers.'),
      signature: text().default('X-Signature').describe('The query field of the signature.'),
      date: text().default('X-Date').describe('The header or query field of the time.'),
      expires: text().default('X-Expires').describe('The query field of the time to live.'),
      credential: text().default('X-Credential').describe('The query field of the credential.'),
      contentSha256: text()
        .default('X-Content-Sha256')
        .describe('The header of the checksum of the body.'),
      signingKeyPrefix: z.string().default('').describe('Put before the secret.'),
    })
    .describe('The names and values a signature is written with.')
}

/** Easegress's signer.Spec: signatures in the shape of AWS Signature Version 4. */
export function signerFields() {
  return {
    literal: literalField().optional(),
    excludeBody: z.boolean().default(false).describe('The body is not part of the signature.'),
    ttl: duration()
      .prefault(DEFAULT_TTL)
      .describe('How old a signature may be; 0s takes one of any age, so that it can be replayed.'),
    accessKeys: z
      .record(text(), text())
      .default({})
      .describe('For verifying: the secret of each access key id.'),
    accessKeyId: z.string().default('').describe('For signing: the access key id.'),
    accessKeySecret: z.string().default('').describe('For signing: its secret.'),
    ignoredHeaders: z
      .array(z.string().refine(isToken, 'is not a header name'))
      .default([])
      .describe('Headers that are not signed.'),
    headerHoisting: z
      .strictObject({
        allowedPrefix: z.array(z.string()).default([]).describe('Accepted and ignored.'),
        disallowedPrefix: z.array(z.string()).default([]).describe('Accepted and ignored.'),
        disallowed: z.array(z.string()).default([]).describe('Accepted and ignored.'),
      })
      .optional()
      .describe('For URLs that are signed beforehand; accepted and ignored.'),
  }
}

const signer = z.strictObject(signerFields())

export type SignerSpec = z.output<typeof signer>
export type Literal = z.output<ReturnType<typeof literalField>>

export const DEFAULT_LITERAL: Literal = literalField().parse({})

/** What Amazon's services want to see. */
export const AWS_LITERAL: Literal = {
  scopeSuffix: 'aws4_request',
  algorithmName: 'X-Amz-Algorithm',
  algorithmValue: 'AWS4-HMAC-SHA256',
  signedHeaders: 'X-Amz-SignedHeaders',
  signature: 'X-Amz-Signature',
  date: 'X-Amz-Date',
  expires: 'X-Amz-Expires',
  credential: 'X-Amz-Credential',
  contentSha256: 'X-Amz-Content-Sha256',
  signingKeyPrefix: 'AWS4',
}
