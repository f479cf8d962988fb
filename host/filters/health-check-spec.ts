import { regexp } from '../config/regexp.ts'
import { z } from '../config/schema.ts'
import { headerMap, headerName } from './header-spec.ts'
import { atLeast, statusCode } from './proxy-field.ts'

/** Active checks of the servers of a pool, as Easegress writes them. */
export const healthCheck = z.strictObject({
  interval: atLeast(10).prefault('60s').describe('Time between two checks of an endpoint.'),
  timeout: atLeast(1).prefault('3s').describe('Time a check may take.'),
  fails: z.int().min(1).default(1).describe('Failures in a row that make it unhealthy.'),
  passes: z.int().min(1).optional().describe('Passes in a row that make it healthy. Default 1.'),
  pass: z.int().min(1).optional().describe('The same as `passes`.'),
  port: z.int().min(0).max(65_535).default(0).describe('Another port than that of the server.'),
  uri: z
    .string()
    .regex(/^(?:\/[!-~]*)?$/, 'must be a path that begins with "/"')
    .default('')
    .describe('What is asked for.'),
  method: z
    .string()
    .regex(/^[A-Z]+$/, 'is not a method')
    .default('GET')
    .describe('The method.'),
  headers: headerMap().describe('Headers that are sent.'),
  body: z.string().default('').describe('The body that is sent.'),
  username: z.string().default('').describe('For basic authentication.'),
  password: z.string().default('').describe('For basic authentication.'),
  match: z
    .strictObject({
      statusCodes: z
        .array(z.tuple([statusCode(), statusCode()]))
        .min(1)
        .default([[200, 399]])
        .describe('Ranges of statuses that are well.'),
      headers: z
        .array(
          z.strictObject({
            name: headerName().describe('The header.'),
            value: z.string().describe('Its value, or a pattern.'),
            type: z.enum(['exact', 'regexp']).default('exact').describe('What `value` is.'),
          }),
        )
        .default([])
        .describe('Headers that must all match.'),
      body: z
        .strictObject({
          value: z.string().describe('A text, or a pattern.'),
          type: z.enum(['contains', 'regexp']).default('contains').describe('What `value` is.'),
        })
        .optional()
        .describe('What must be in the body.'),
    })
    .superRefine((match, context) => {
      const check = (pattern: string, path: (string | number)[]): void => {
        const [issue] = regexp().safeParse(pattern).error?.issues ?? []
        if (issue !== undefined) context.addIssue({ code: 'custom', path, message: issue.message })
      }
      if (match.body?.type === 'regexp') check(match.body.value, ['body', 'value'])
      for (const [index, { type, value }] of match.headers.entries()) {
        if (type === 'regexp') check(value, ['headers', index, 'value'])
      }
    })
    .prefault({})
    .describe('What an answer must look like.'),
})
