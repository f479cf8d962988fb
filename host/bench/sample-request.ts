import { readFile } from 'node:fs/promises'
import { monotonicMs } from '../clock.ts'
import { z } from '../config/schema.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { Exchange } from '../exchange/exchange.ts'
import type { Response } from '../exchange/response.ts'
import {
  makeTestRequest,
  makeTestResponse,
  type TestRequest,
  type TestResponse,
} from '../testing/test-messages.ts'

/** The request a filter is measured with, and what the upstream answers to it. */
export interface Sample {
  readonly request: TestRequest
  readonly upstream: TestResponse
}

const headers = z.record(z.string(), z.union([z.string(), z.array(z.string())]))

const schema = z.strictObject({
  method: z.string().optional(),
  path: z.string().optional(),
  host: z.string().optional(),
  headers: headers.optional(),
  body: z.string().optional(),
  upstream: z
    .strictObject({
      status: z.int().optional(),
      headers: headers.optional(),
      body: z.string().optional(),
    })
    .optional(),
})

/** Ten fields, as a browser sends them, and 1 KB of JSON as the answer. */
export const DEFAULT_SAMPLE: Sample = {
  request: {
    path: '/orders/17?page=2',
    headers: {
      accept: 'application/json, text/plain, */*',
      'accept-encoding': 'gzip, deflate, br',
      'accept-language': 'en-US,en;q=0.9',
      authorization: 'Bearer 3f1c9f0e5d6a4b7c8d9e0f1a2b3c4d5e',
      'cache-control': 'no-cache',
      cookie: 'session=8f14e45fceea167a5a36dedd4bea2543; theme=dark',
      referer: 'https://shop.example/orders',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36',
      'x-forwarded-for': '203.0.113.7',
      'x-request-id': '0af7651916cd43dd8448eb211c80319c',
    },
  },
  upstream: {
    headers: { 'content-type': 'application/json', server: 'upstream' },
    body: JSON.stringify({ id: 17, note: 'x'.repeat(960), items: [1, 2, 3], isPaid: true }),
  },
}

/** Reads a sample from a JSON file: `{ method, path, headers, body, upstream: { status, headers, body } }`. */
export async function readSample(path: string): Promise<Sample> {
  try {
    const { upstream = {}, ...request } = schema.parse(JSON.parse(await readFile(path, 'utf8')))
    return { request: withoutUndefined(request), upstream: withoutUndefined(upstream) }
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
        : reasonOf(error)
    throw new GatewayError('CLI_FILE', { path, reason }, error)
  }
}

let ids = 0

/** Lets the ids of requests begin anew: a filter that decides by them decides the same way every time. */
export function restartIds(): void {
  ids = 0
}

/** Its id has the length of a real one, and is the same in every process. */
class SampleExchange extends Exchange {
  readonly #id = `00000000-${(ids++).toString(16).padStart(6, '0')}`

  override get id(): string {
    return this.#id
  }
}

/** A fresh exchange with the sample's request. */
export function makeExchange({ request }: Sample): Exchange {
  const exchange = new SampleExchange(makeTestRequest(request), 'bench', monotonicMs())
  exchange.pipeline = 'bench'
  return exchange
}

export function makeAnswer({ upstream }: Sample): Response {
  return makeTestResponse(upstream)
}

/** The types of a test's messages know no field that is there and undefined. */
function withoutUndefined<T extends object>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
