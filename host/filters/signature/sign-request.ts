import { z } from '../../config/schema.ts'
import { reasonOf } from '../../errors.ts'
import type { MessageScope } from '../../exchange/exchange.ts'
import type { Signer } from './signer.ts'
import { AWS_LITERAL, signerFields } from './signer-spec.ts'

/** The field of an adaptor that signs requests. */
export function signField() {
  return z
    .strictObject({
      ...signerFields(),
      apiProvider: z
        .enum(['', 'aws4'])
        .default('')
        .describe('Whose names are used; `aws4` takes the place of `literal`.'),
      scopes: z
        .array(z.string())
        .default([])
        .describe('Parts of the scope, such as the region and the service.'),
    })
    .transform((spec) => (spec.apiProvider === 'aws4' ? { ...spec, literal: AWS_LITERAL } : spec))
}

/** Signs the request of a scope; its body is read as a whole when it is part of the signature. */
export function signRequest(
  signer: Signer,
  scope: MessageScope,
  scopes: readonly string[],
): undefined | Promise<'signFailed' | undefined> {
  const { request, exchange } = scope
  const bytes = signer.needsBody ? request.body.collect() : null
  if (!(bytes instanceof Promise)) {
    signer.sign(request, bytes, scopes, Date.now())
    return undefined
  }
  return bytes.then(
    (whole) => {
      signer.sign(request, whole, scopes, Date.now())
      return undefined
    },
    (error: unknown) => {
      exchange.tag(reasonOf(error))
      return 'signFailed'
    },
  )
}
