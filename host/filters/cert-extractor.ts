import { z } from '../config/schema.ts'
import { GatewayError } from '../errors.ts'
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
]

/** Puts a field of the client's certificate into a header. */
export const certExtractor = defineFilter({
  kind: 'CertExtractor',
  description:
    'Puts a field of the certificate a client has shown into a header of the request. It needs a server with TLS, which is not supported yet.',
  results: [],
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
  create(_, env) {
    throw new GatewayError('FILTER_NOT_YET', {
      filter: env.filter,
      what: 'CertExtractor needs a server with TLS that asks clients for certificates',
    })
  },
})
