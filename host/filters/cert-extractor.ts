import { z } from '../config/schema.ts'
import type { ClientCertificate } from '../exchange/client-tls.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { isFieldValue } from '../exchange/field-rules.ts'
import { defineFilter } from './filter.ts'
import { headerName } from './header-spec.ts'

const FIELDS = [
  'Country',
  'Organization',
  'OrganizationalUnit',
  'Locality',
  'Province',
  'StreetAddress',
  'PostalCode',
  'SerialNumber',
  'CommonName',
] as const

/** Puts a field of the client's certificate into a header. */
export const certExtractor = defineFilter({
  kind: 'CertExtractor',
  description:
    'Puts a field of the certificate a client has shown into a header of the request. It needs a server that asks for certificates (`caCertBase64`).',
  results: [],
  example: `name: caller
kind: CertExtractor
certIndex: 0
target: subject
field: CommonName
headerKey: X-Client-Name`,
  notes: [
    'What a client itself sends under the name of the header is removed, also when it has shown no certificate; Easegress passes it on.',
    'The chain is the one the certificate was verified by, its authority included; Easegress has what the client sent.',
  ],
  spec: z.strictObject({
    certIndex: z
      .int()
      .min(-32_768)
      .max(32_767)
      .describe('Which certificate of the chain: 0 is the client’s own, -1 the last.'),
    target: z.enum(['subject', 'issuer']).describe('Whose field it is.'),
    field: z.enum(FIELDS).describe('The field.'),
    headerKey: headerName().optional().describe('The header; `tls-<target>-<field>` when absent.'),
  }),
  create({ certIndex, target, field, headerKey }) {
    const header = headerKey ?? `tls-${target}-${field}`
    return {
      handle({ request, exchange }: MessageScope): undefined {
        request.headers.remove(header)
        const chain = request.tls?.certificates ?? NONE
        for (const value of certificateAt(chain, certIndex)?.[target][field] ?? NONE) {
          // A header carries bytes; names in certificates are UTF-8.
          const text = Buffer.from(value, 'utf8').latin1Slice()
          if (isFieldValue(text) && text !== '') request.headers.add(header, text)
          else exchange.tag(`the ${field} of the certificate is no header value`)
        }
      },
    }
  },
})

const NONE: readonly never[] = []

/** Easegress's rule: an index goes round in the chain, and from its end when it is negative. */
function certificateAt(
  chain: readonly ClientCertificate[],
  index: number,
): ClientCertificate | undefined {
  const { length } = chain
  return length === 0 ? undefined : chain[((index % length) + length) % length]
}
