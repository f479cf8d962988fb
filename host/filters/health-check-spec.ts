import { regexp } from '../config/regexp.ts'
import { z } from '../config/schema.ts'
import type { HealthCheckSpec } from '../upstream/health.ts'
import type { HealthQuestionSpec } from '../upstream/health-question.ts'
import { headerMap, headerName } from './header-spec.ts'
import { atLeast, statusCode } from './proxy-field.ts'

/** When checks are made, and how many decide. */
const timing = {
  interval: atLeast(10).prefault('60s').describe('Time between two checks of an endpoint.'),
  timeout: atLeast(1).prefault('3s').describe('Time a check may take.'),
  fails: z.int().min(1).default(1).describe('Failures in a row that make it unhealthy.'),
  passes: z.int().min(1).optional().describe('Passes in a row that make it healthy. Default 1.'),
  pass: z.int().min(1).optional().describe('The same as `passes`.'),
}

/** What is asked over HTTP and over WebSocket alike. */
const place = {
  port: z.int().min(0).max(65_535).default(0).describe('Another port than that of the server.'),
  uri: z
    .string()
    .regex(/^(?:\/[!-~]*)?$/, 'must be a path that begins with "/"')
    .default('')
    .describe('What is asked for.'),
  headers: headerMap().describe('Headers that are sent.'),
}

const matchHeaders = z
  .array(
    z.strictObject({
      name: headerName().describe('The header.'),
      value: z.string().describe('Its value, or a pattern.'),
      type: z.enum(['exact', 'regexp']).default('exact').describe('What `value` is.'),
    }),
  )
  .default([])
  .describe('Headers that must all match.')

const matchBody = z
  .strictObject({
    value: z.string().describe('A text, or a pattern.'),
    type: z.enum(['contains', 'regexp']).default('contains').describe('What `value` is.'),
  })
  .optional()
  .describe('What must be in the body.')

/** Statuses that are well, when nothing is said those from `first` to `last`. */
function statuses(first: number, last: number) {
  return z
    .array(z.tuple([statusCode(), statusCode()]))
    .min(1)
    .default([[first, last]])
    .describe('Ranges of statuses that are well.')
}

const httpQuestion = {
  ...place,
  method: z
    .string()
    .regex(/^[A-Z]+$/, 'is not a method')
    .default('GET')
    .describe('The method.'),
  body: z.string().default('').describe('The body that is sent.'),
  username: z.string().default('').describe('For basic authentication.'),
  password: z.string().default('').describe('For basic authentication.'),
  match: z
    .strictObject({ statusCodes: statuses(200, 399), headers: matchHeaders, body: matchBody })
    .superRefine(checkPatterns)
    .prefault({})
    .describe('What an answer must look like.'),
}

const websocketQuestion = {
  ...place,
  match: z
    .strictObject({ statusCodes: statuses(101, 101), headers: matchHeaders })
    .superRefine(checkPatterns)
    .prefault({})
    .describe('What the answer to the handshake must look like.'),
}

/** Active checks of the servers of a Proxy, as Easegress writes them. */
export const healthCheck = z.strictObject({ ...timing, ...httpQuestion })

/** Active checks of the servers of a WebSocketProxy: by a request, by opening a WebSocket, or both. */
export const websocketHealthCheck = z
  .strictObject({
    ...timing,
    http: z.strictObject(httpQuestion).optional().describe('Asks every endpoint over HTTP.'),
    ws: z
      .strictObject(websocketQuestion)
      .optional()
      .describe('Opens a WebSocket to every endpoint, and closes it at once.'),
  })
  .refine(({ http, ws }) => http !== undefined || ws !== undefined, {
    message: '`http`, `ws` or both are needed: they say what is asked',
  })

/** Checks of a Proxy, ready to run. */
export function compileHealthCheck(spec: z.output<typeof healthCheck>): HealthCheckSpec {
  return { ...timingOf(spec), questions: [questionOf(spec)] }
}

/** Checks of a WebSocketProxy, ready to run. */
export function compileWebSocketHealthCheck(
  spec: z.output<typeof websocketHealthCheck>,
): HealthCheckSpec {
  const { http, ws } = spec
  const questions = http === undefined ? [] : [questionOf(http)]
  if (ws !== undefined) {
    const none = { method: 'GET', body: '', username: '', password: '' }
    const { port, uri, headers, match } = ws
    const asked = { port, uri, headers, match: { ...match, body: null } }
    questions.push({ ...none, ...asked, isWebSocket: true })
  }
  return { ...timingOf(spec), questions }
}

function timingOf(spec: z.output<typeof healthCheck> | z.output<typeof websocketHealthCheck>) {
  const { interval, timeout, fails, passes, pass } = spec
  return { interval, timeout, fails, passes: passes ?? pass ?? 1 }
}

function questionOf(spec: Omit<z.output<typeof healthCheck>, keyof typeof timing>) {
  const { port, uri, method, headers, body, username, password, match } = spec
  const question: HealthQuestionSpec = {
    ...{ port, uri, method, headers, body, username, password },
    match: { ...match, body: match.body ?? null },
    isWebSocket: false,
  }
  return question
}

interface Patterns {
  readonly headers: readonly { readonly type: string; readonly value: string }[]
  readonly body?: { readonly type: string; readonly value: string } | undefined
}

function checkPatterns(match: Patterns, context: z.RefinementCtx): void {
  const check = (pattern: string, path: (string | number)[]): void => {
    const [issue] = regexp().safeParse(pattern).error?.issues ?? []
    if (issue !== undefined) context.addIssue({ code: 'custom', path, message: issue.message })
  }
  if (match.body?.type === 'regexp') check(match.body.value, ['body', 'value'])
  for (const [index, { type, value }] of match.headers.entries()) {
    if (type === 'regexp') check(value, ['headers', index, 'value'])
  }
}
