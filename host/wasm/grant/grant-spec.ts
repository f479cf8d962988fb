import { z } from '../../config/schema.ts'

/** Names in one list of a grant. */
const MAX_NAMES = 64

/** `*`, or a header's name in any case. */
const headerPattern = z
  .string()
  .regex(/^(?:\*|[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})$/, 'a header name, or *')
  .transform((name) => name.toLowerCase())

/** A name, `*.name`, or an address, and a port when it is not the scheme's own. */
const HOST_PATTERN =
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/

const hostPattern = z
  .string()
  .max(260)
  .transform((host) => host.toLowerCase())
  .refine((host) => HOST_PATTERN.test(host), 'name, name:port or *.name')

const askedHost = z.union([z.literal('*'), hostPattern])

const capabilityName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'a letter, then at most 63 letters, digits, _ . or -')

const list = <S extends z.ZodType>(one: S) => z.array(one).max(MAX_NAMES)

const common = {
  headers: z
    .strictObject({
      read: list(headerPattern)
        .optional()
        .describe('Headers it may read; `*` is every one that is not sensitive.'),
      write: list(headerPattern)
        .optional()
        .describe('Headers it may write; `*` is every one that is not sensitive.'),
    })
    .optional()
    .describe('Which headers; sensitive ones, such as authorization and cookie, only by name.'),
  body: list(z.enum(['read', 'write']))
    .optional()
    .describe('Whether it may read and replace bodies.'),
  target: z.boolean().optional().describe('Whether it may change method, path, query and host.'),
  reply: z.boolean().optional().describe('Whether it may answer itself and change the status.'),
  data: z.boolean().optional().describe('Whether it has key-value data.'),
  metrics: z.boolean().optional().describe('Whether it has metrics of its own.'),
  secrets: list(capabilityName)
    .optional()
    .describe('Which of `secrets` it may read; all of them when absent.'),
  keys: list(capabilityName)
    .optional()
    .describe('Which of `keys` it may have tokens verified with; all of them when absent.'),
  functions: list(capabilityName)
    .optional()
    .describe("Which of the embedding program's functions it may call."),
}

/**
 * The field `grant` of a WasmHost filter. With `code` it narrows the local profile: what is absent stays
 * as that has it. With `plugin` it is all there is: what is absent is denied.
 */
export const grantSpec = z.strictObject({
  ...common,
  outbound: list(hostPattern)
    .optional()
    .describe('Hosts it may call: `name`, `name:port` or `*.name`. None when absent.'),
  allowPrivate: z
    .boolean()
    .optional()
    .describe('Whether such a host may have a private address. Default false.'),
})

/** What an operator writes. */
export type GrantSpec = z.output<typeof grantSpec>

/** What a module asks for in its description; what this host does not know is passed over, and so denied. */
export const askedSpec = z.object({ ...common, outbound: list(askedHost).optional() })

/** What a module asks for. */
export type AskedGrant = z.output<typeof askedSpec>
