// What each thing of the SDK costs: host calls, bytes and fuel, which are exact, and nanoseconds of this
// machine, in the event loop:
//
//   node bench/prices.ts            prints the table
//   node bench/prices.ts --write    writes it into sdk/README.md
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Counts, countsOf } from '../host/bench/measure.ts'
import type { Sample } from '../host/bench/sample-request.ts'
import { median } from '../host/bench/sampling.ts'
import { type BenchModule, inlineSubject, openBenchModule } from '../host/bench/subject.ts'
import { buildPlugin } from '../host/toolchain/build-plugin.ts'
import { describeMachine } from './support/machine.ts'

/** Names as they stand in the SDK's reference, by the number of the operation in assembly/prices. */
const OPERATIONS: readonly (readonly [operation: number, name: string])[] = [
  [1, "`headers.get('accept')`, 33 bytes"],
  [2, "`headers.get('x-absent')`"],
  [3, "`headers.has('accept')`"],
  [4, "`headers.set('x-tenant', 'acme')`"],
  [5, "`headers.add('x-tenant', 'acme')`"],
  [6, "`headers.remove('x-tenant')`"],
  [7, '`headers.names()`, 8 fields'],
  [8, '`request.path`'],
  [9, "`request.setPath('/v2/orders/17')`"],
  [10, '`request.method`'],
  [11, "`request.queryValue('page')`"],
  [12, "`request.cookie('session')`"],
  [13, '`body.content()`, 1 KB'],
  [14, '`request.setBody(text)`, 1 KB'],
  [100, '`response.status`'],
  [101, '`response.status = 201`'],
  [102, '`response.setBody(text)`, 1 KB'],
  [15, "`ctx.put('user', 'ada')`"],
  [16, "`ctx.getText('user')`"],
  [17, '`now()`'],
  [30, '`random.bytes(16)`'],
  [31, '`counter.add()`'],
  [18, "`log.info('a line in the log')`"],
  [19, "`tag('a tag')`"],
  [20, "`store.getText('key')`"],
  [21, "`store.put('key', 'a value')`"],
  [22, "`store.add('count')`"],
  [23, "`store.swap('key', null, 'a value')`"],
  [24, '`json.parse(text)`, 1 KB'],
  [25, '`json.object()` with two members, `toText()`'],
  [26, '`hash.sha256(text)`, 1 KB'],
  [27, '`base64.encode(text)`, 1 KB'],
  [28, '`jwt.read(text)`'],
  [32, "`jwt.key('login').verify(text)`, HS256"],
  [29, "`pattern.matches('/orders/17')`"],
]

/** The key of a token the filter has verified: `the prices of the SDK are measured`. */
const KEYS = {
  prices: {
    algorithm: 'HS256',
    secret: '74686520707269636573206f66207468652053444b20617265206d65617375726564',
  },
} as const

/** As many as a call may write tags. */
const TIMES = 32
/** Writes of headers: eight fields, each once, as filters do. What a second write of a field costs is another price. */
const WRITES = { operations: [4, 5, 6], times: 8 } as const
/** A round takes the median of its requests; the table has the least of the rounds. */
const ROUNDS = 5
const REQUESTS = 400

const SAMPLE: Sample = {
  request: {
    method: 'POST',
    path: '/orders/17?size=10&page=2',
    headers: {
      accept: 'application/json, text/plain, */*',
      'accept-encoding': 'gzip, deflate, br',
      authorization: 'Bearer 3f1c9f0e5d6a4b7c8d9e0f1a2b3c4d5e',
      'content-type': 'application/json',
      cookie: 'theme=dark; session=8f14e45fceea167a',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)',
      'x-forwarded-for': '203.0.113.7',
    },
    body: JSON.stringify({ id: 17, note: 'x'.repeat(1_000) }),
  },
  upstream: { headers: { 'content-type': 'application/json' }, body: '{}' },
}

/** What one thing costs. */
export interface Price {
  readonly name: string
  readonly hostCalls: number
  readonly bytes: number
  readonly fuel: number
  /** Null when nobody asked for it. */
  readonly ns: number | null
}

/** The prices of everything, less what the loop around it costs. */
export async function prices(isTimed: boolean): Promise<Price[]> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-prices-'))
  try {
    const path = join(import.meta.dirname, 'assembly/prices')
    const built = await buildPlugin({ path, outFile: join(folder, 'prices.wasm') })
    if (built.kind === 'failed') throw new TypeError('bench/assembly/prices does not compile')
    const open = (operation: number, times: number): Promise<BenchModule> =>
      openBenchModule(
        built.outFile,
        { operation: String(operation), times: String(times) },
        { keys: KEYS },
      )
    const cost = async (operation: number, times: number) => {
      const [idle, busy] = [await open(operation, 0), await open(operation, times)]
      const some = await countsOf(busy, SAMPLE)
      const ns = isTimed ? (await timeOf(busy)) - (await timeOf(idle)) : null
      return { some, ns }
    }
    const loops = new Map<number, Awaited<ReturnType<typeof cost>>>()
    const found: Price[] = []
    for (const [operation, name] of OPERATIONS) {
      const times = WRITES.operations.some((one) => one === operation) ? WRITES.times : TIMES
      const loop = loops.get(times) ?? (await cost(0, times))
      loops.set(times, loop)
      const { some, ns } = await cost(operation, times)
      const each = (of: (counts: Counts) => number): number => (of(some) - of(loop.some)) / times
      found.push({
        name,
        hostCalls: round(each((counts) => counts.hostCalls)),
        bytes: round(each((counts) => counts.bytesCopied)),
        fuel: round(each((counts) => counts.fuel)),
        ns: ns === null ? null : Math.max(0, Math.round((ns - (loop.ns ?? 0)) / times)),
      })
    }
    return found
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Nanoseconds of a whole request. */
async function timeOf(module: BenchModule): Promise<number> {
  const subject = await inlineSubject(module, 'never')
  const medians: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const times: number[] = []
    for (let i = 0; i < REQUESTS; i++) times.push(Number(await subject.run(SAMPLE)))
    medians.push(median(times))
  }
  await subject.close()
  return Math.min(...medians) * 1e6
}

const round = (value: number): number => Math.round(value)

/** The table as it stands in the SDK's reference. */
export function priceTable(list: readonly Price[]): string {
  const rows = list.map(
    ({ name, hostCalls, bytes, fuel, ns }) =>
      `| ${name} | ${hostCalls} | ${bytes} | ${fuel.toLocaleString('en-US')} | ${ns === null ? '' : ns.toLocaleString('en-US')} |`,
  )
  return `| what | host calls | bytes | fuel | ns |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

if (import.meta.main) {
  const table = priceTable(await prices(true))
  const { processor, node } = describeMachine()
  const text = `${table}\nNanoseconds: ${processor}, Node ${node}.\n`
  if (process.argv.includes('--write')) {
    const file = join(import.meta.dirname, '../sdk/README.md')
    const page = readFileSync(file, 'utf8')
    writeFileSync(
      file,
      page.replace(
        /(<!-- prices -->\n)[\s\S]*?(<!-- \/prices -->)/,
        (_, begin: string, end: string) => `${begin}\n${text}\n${end}`,
      ),
    )
  } else process.stdout.write(text)
}
