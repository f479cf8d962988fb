import { readFileSync } from 'node:fs'
import { Body } from '../../host/exchange/body.ts'
import { Exchange } from '../../host/exchange/exchange.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import type { Filter } from '../../host/filters/filter.ts'
import { WasmFilter } from '../../host/filters/wasm-filter.ts'
import { wasmHost } from '../../host/filters/wasm-host.ts'
import { createLogger, type Logger } from '../../host/observe/log.ts'
import { openModule } from '../../host/testing/open-module.ts'
import { openPlugin, setupOf } from '../../host/testing/open-plugin.ts'
import { InlineExecutor } from '../../host/wasm/inline-executor.ts'
import { WASM_DEFAULTS } from '../../host/wasm/limits.ts'
import { PluginHost } from '../../host/wasm/plugin-host.ts'
import { PluginStore } from '../../host/wasm/plugin-store.ts'
import { GUESTS } from './guests.ts'
import { TABLES, type Table } from './in-process-tables.ts'
import { benchRewrite } from './rewrite.ts'
import { benchExtism, benchStamp } from './stamp.ts'
import { REQUEST_FIELDS } from './wrk.ts'

/** Something that is run in the process with the clock running. */
export interface Subject {
  /** The table it belongs to. */
  readonly group: string
  readonly name: string
  /** Run one after the other on the same exchange. */
  readonly filters: readonly Filter[]
  makeExchange(): Exchange
  /** Did the filters do their work? */
  isDone(exchange: Exchange): boolean
}

const LEVELS = ['JavaScript', 'inline', 'worker'] as const
type Level = (typeof LEVELS)[number]

/** Every row of the in-process tables. Whoever calls it ends them with `close`. */
export class Subjects {
  readonly #folder: string
  readonly #log: Logger
  readonly #plugins: PluginHost
  #count = 0

  /** `folder` is for the store. */
  constructor(folder: string) {
    this.#folder = folder
    this.#log = createLogger({
      level: 'warn',
      destination: { write: (line) => void process.stderr.write(line) },
      pretty: true,
    })
    this.#plugins = new PluginHost(new PluginStore(folder), 1, this.#log)
  }

  async open(tables: readonly string[] = TABLES): Promise<readonly Subject[]> {
    const rows: Readonly<Record<Table, () => Promise<Subject[]>>> = {
      filter: () => this.#filterRows(),
      headers: () => this.#headerRows(),
      body: () => this.#bodyRows(),
      chain: () => this.#chainRows(),
      switches: () => this.#switchRows(),
    }
    const opened: Subject[] = []
    for (const table of TABLES) if (tables.includes(table)) opened.push(...(await rows[table]()))
    return opened
  }

  async close(): Promise<void> {
    await this.#plugins.close()
  }

  /** The same small filter, by where it runs. */
  async #filterRows(): Promise<Subject[]> {
    const extism = (runInWorker: boolean) => benchExtism.create({ runInWorker }, neverUsed())
    const rows: [string, Filter][] = [
      ['JavaScript', await benchStamp.create({}, neverUsed())],
      ['inline, SDK', await this.#wasm(GUESTS.stamp, 'inline')],
      ['inline, bytes', await this.#wasm(GUESTS.stampBytes, 'inline')],
      ['worker pool, SDK', await this.#wasm(GUESTS.stamp, 'worker')],
      ['Extism in thread', await extism(false)],
      ['Extism in worker', await extism(true)],
    ]
    return rows.map(([name, filter]) => stamped('filter', name, [filter], 7))
  }

  async #headerRows(): Promise<Subject[]> {
    const rows: Subject[] = []
    for (const level of LEVELS) {
      for (const count of [7, 40]) {
        const filters = [await this.#stamp(level)]
        rows.push(stamped('headers', `${level}, ${count} headers`, filters, count))
      }
    }
    return rows
  }

  async #bodyRows(): Promise<Subject[]> {
    const rows: Subject[] = []
    for (const level of LEVELS) {
      for (const kilobytes of [0, 1, 10, 100]) {
        const filter =
          level === 'JavaScript'
            ? await benchRewrite.create({}, neverUsed())
            : await this.#wasm(GUESTS.rewrite, level)
        const bytes = Buffer.alloc(kilobytes * 1024, 'x')
        rows.push({
          group: 'body',
          name: `${level}, ${kilobytes} KB`,
          filters: [filter],
          makeExchange: () => exchangeWith(fieldsOf(7), bytes),
          isDone: ({ request: { body } }) => {
            const whole = body.whole()
            return bytes.length === 0 || (whole.length === bytes.length && whole[0] === 0x21)
          },
        })
      }
    }
    return rows
  }

  async #chainRows(): Promise<Subject[]> {
    const rows: Subject[] = []
    for (const level of LEVELS) {
      for (const length of [1, 3, 10]) {
        const filters: Filter[] = []
        for (let i = 0; i < length; i++) filters.push(await this.#stamp(level))
        rows.push(stamped('chain', `${level}, ${length} filters`, filters, 7))
      }
    }
    return rows
  }

  /** What fuel and resetting cost. */
  async #switchRows(): Promise<Subject[]> {
    const fuelOff = await withoutFuel(GUESTS.stamp, this.#log)
    const fuelOn = await this.#wasm(GUESTS.stamp, 'inline')
    const resetting = await this.#wasm(GUESTS.stamp, 'inline', 'request')
    return [
      stamped('fuel', 'inline, fuel off', [fuelOff], 7),
      stamped('fuel', 'inline, fuel on', [fuelOn], 7),
      stamped('reset', 'inline, reset: never', [await this.#wasm(GUESTS.stamp, 'inline')], 7),
      stamped('reset', 'inline, reset: request', [resetting], 7),
    ]
  }

  async #stamp(level: Level): Promise<Filter> {
    if (level === 'JavaScript') return await benchStamp.create({}, neverUsed())
    return await this.#wasm(GUESTS.stamp, level)
  }

  async #wasm(
    code: string,
    isolation: 'inline' | 'worker',
    reset: 'never' | 'request' = 'never',
  ): Promise<Filter> {
    this.#count += 1
    const spec = wasmHost.spec.parse({ code, isolation, reset })
    return await wasmHost.create(spec, {
      ...neverUsed(),
      pipeline: 'bench',
      filter: `filter-${this.#count}`,
      baseDir: this.#folder,
      log: this.#log,
      plugins: this.#plugins,
    })
  }
}

function stamped(
  group: string,
  name: string,
  filters: readonly Filter[],
  headers: number,
): Subject {
  const fields = fieldsOf(headers)
  return {
    group,
    name,
    filters,
    makeExchange: () => exchangeWith(fields, null),
    isDone: ({ request }) => request.headers.get('x-filter') === 'known',
  }
}

function exchangeWith(fields: string, body: Buffer | null): Exchange {
  const request = makeRequest({ target: '/bench' })
  request.headers = Headers.fromLines(fields, 'Host: bench\r\n')
  if (body !== null) request.body = Body.bytes(body)
  return new Exchange(request, 'bench', 0)
}

/** As engine native hands them over, Host apart: what a browser sends, and more of the same length where asked for. */
function fieldsOf(count: number): string {
  const lines = [...REQUEST_FIELDS]
  for (let i = lines.length + 1; i < count; i++) {
    lines.unshift(`X-Field-${i}: some value that is field number ${i}`)
  }
  return lines.map((line) => `${line}\r\n`).join('')
}

/** The module as the compiler wrote it: nothing counts what it does. */
async function withoutFuel(file: string, log: Logger): Promise<Filter> {
  const bytes = readFileSync(file)
  const opened = { ...(await openModule(bytes)), module: new WebAssembly.Module(bytes) }
  const limits = { fuel: WASM_DEFAULTS.fuel, reset: 'never' } as const
  const setup = setupOf(opened, new Map(), 'bench', limits)
  const executor = new InlineExecutor(setup, () => undefined)
  await executor.start()
  return new WasmFilter(openPlugin(opened, file, executor), log)
}

/** The parts of a filter's environment that none of these filters looks at. */
function neverUsed(): Parameters<typeof wasmHost.create>[1] {
  return {} as Parameters<typeof wasmHost.create>[1]
}
