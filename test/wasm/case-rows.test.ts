import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/case-rows')

/**
 * Rows of the families `module` (W) and `hostcall` (X) of the table of hostile cases. Each has a test that names
 * it: the class it stands for is handled, not only the case.
 */
const ROWS: Readonly<Record<string, string>> = {
  W01: 'a file of 0 bytes',
  W04: 'flips of 1 to 3 bytes',
  W05: 'a component',
  W07: 'a custom section of 100 MB',
  W09: '2,000 functions of 50,000 locals',
  W10: '100,000 nested blocks',
  W11: 'a br_table of 65,000 targets, 50 times',
  W13: 'a memory of 65,536 pages from the start',
  W16: 'a memory of 64 bits',
  W17: 'two memories',
  W18: 'shared memory and atomics',
  W19: 'a wait without end',
  W20: 'a table of 10,000,000 elements from the start',
  W21: 'a table that grows without end',
  W22: 'garbage-collected arrays without end',
  W24: 'a start function that loops',
  W25: 'a start function that traps',
  W26: 'a start function that calls the host',
  W27: 'an unknown import',
  W28: 'a known import with another signature',
  W29: 'an imported memory, table or global',
  W31: 'an export of the wrong kind or signature',
  W33: 'recursion without end',
  W34: 'recursion through the host',
  W35: 'a file that is replaced between hash and read',
  W44: 'one module behind 1,000 routes',
  X02: 'a pointer and a length that wrap around',
  X04: 'a length inside the memory and past its limit',
  X05: 'buffers that overlap',
  X06: 'a memory that grows while the host calls the guest',
  X07: 'an allocator that answers 0, odd or outside',
  X11: 'a header name that is no token',
  X12: 'headers of the framing',
  X13: 'a status that is none',
  X14: '1,000,000 headers',
  X15: 'a path that leads elsewhere',
  X17: 'a body of 10 GB, written',
  X18: 'a body of 10 GB, read',
  X22: "another plugin's data, keys and values past their limits",
  X23: 'an outbound call to a private address, however it is written',
  X24: 'a name that resolves to a public address first and a private one then',
  X25: 'a redirect to a private address',
  X26: '1,000 outbound calls at once, without an answer or with one of 1 GB',
  X27: 'a loop in the request phase',
  X28: 'a loop in any other phase',
  X29: 'a loop of host calls',
  X32: 'a result out of range',
  X33: 'a guest that waits for ever',
  X36: 'a secret that one request leaves for the next',
  X37: 'two tenants in one thread',
  X38: 'a thread that ends in the middle of a call',
  X41: 'a clock fine enough for timing attacks',
  X43: 'parameters of 10 MB, or nested without end',
}

test('every hostile module and every hostile host call of the table has a test that names it', () => {
  const root = join(import.meta.dirname, '..')
  const own = import.meta.filename
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(root, name))
    .filter((path) => path !== own)
    .map((path) => readFileSync(path, 'utf8'))
  // In a title, or in the table a title is made from: always inside of quotes.
  const named = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/['"`][^'"`\n]*['"`]/g)].flatMap(
        ([quoted]) => quoted.match(/\b[WX]\d\d\b/g) ?? [],
      ),
    ),
  )
  const missing = Object.entries(ROWS).filter(([row]) => !named.has(row))
  assert.equal(missing, [])
})
