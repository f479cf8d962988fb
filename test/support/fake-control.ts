import { ConfigError } from '../../host/config/issues.ts'
import type { ApplyOutcome, Control, ObjectSpec, ObjectStatus } from '../../host/control/control.ts'
import type {
  InspectedPlugin,
  PushOutcome,
  StoredOutcome,
  StoredPluginStatus,
  StoredPlugins,
} from '../../host/control/plugin-shapes.ts'
import { GatewayError } from '../../host/errors.ts'
import type { DataValue } from '../../host/wasm/data/data-value.ts'

type Document = Readonly<Record<string, unknown>>

/**
 * A control plane in memory for tests of what stands above it. It refuses a document without a known
 * kind, an HTTPServer that names no pipeline, and the change that `failWith` names.
 */
export class FakeControl implements Control {
  revision = 1
  isReady = true
  checks = [
    { name: 'configuration', ok: true, reason: '' },
    { name: 'objects', ok: true, reason: '' },
  ]
  readonly objects = new Map<string, ObjectSpec>()
  readonly pushed: { bytes: Uint8Array; pipeline: string; filter: string }[] = []
  /** Source maps by digest. */
  readonly sourceMaps = new Map<string, Uint8Array>()
  /** Who asked for each roll-back. */
  readonly rolledBackBy: string[] = []
  /** Key-value data by pipeline/filter. */
  readonly data = new Map<string, Map<string, DataValue>>()
  /** Nothing is stored, and nothing can be: tests of the store use a real gateway. */
  readonly storedPlugins: StoredPlugins = {
    list: async (): Promise<StoredPluginStatus[]> => [],
    inspect: () => unknownPlugin(),
    push: () => unknownPlugin(),
    promote: (): Promise<StoredOutcome> => unknownPlugin(),
    rollback: () => unknownPlugin(),
    remove: () => unknownPlugin(),
  }
  /** Names whose generation cannot be made. */
  readonly broken = new Map<string, string>()
  /** Thrown by the next change, then forgotten. */
  failWith: Error | null = null

  add(spec: Document, source: 'file' | 'api' = 'api'): this {
    const name = String(spec['name'])
    this.objects.set(name, { kind: String(spec['kind']), name, spec, source, baseDir: '/' })
    return this
  }

  list(): ObjectSpec[] {
    return [...this.objects.values()]
  }

  get(name: string): ObjectSpec | undefined {
    return this.objects.get(name)
  }

  status(): ObjectStatus[] {
    return this.list().map((object) => this.#statusOf(object))
  }

  statusOf(name: string): ObjectStatus | undefined {
    const object = this.objects.get(name)
    return object === undefined ? undefined : this.#statusOf(object)
  }

  async put(
    documents: readonly Document[],
    mode: 'create' | 'update' | 'upsert',
  ): Promise<ApplyOutcome> {
    this.#throwPlanned()
    const issues = documents.flatMap((document) => this.#check(document, documents))
    if (issues.length > 0) throw new ConfigError(issues)
    const failed = documents
      .map((document) => String(document['name']))
      .filter((name) => this.broken.has(name))
      .map((name) => ({ name, reason: this.broken.get(name) ?? '' }))
    if (failed.length > 0) return { ...EMPTY, failed }
    const created: string[] = []
    const updated: string[] = []
    for (const document of documents) {
      const name = String(document['name'])
      const former = this.objects.get(name)
      if (former?.source === 'file') throw conflict(`${name} comes from a file`)
      if (mode === 'create' && former !== undefined) throw conflict(`${name} exists`)
      if (former === undefined) created.push(name)
      else updated.push(name)
      this.add(document)
    }
    this.revision += 1
    return { ...EMPTY, created, updated, durationMs: 1.5 }
  }

  async delete(name: string): Promise<ApplyOutcome | undefined> {
    this.#throwPlanned()
    const object = this.objects.get(name)
    if (object === undefined) return undefined
    if (object.source === 'file') throw conflict(`${name} comes from a file`)
    const user = this.list().find((one) => one.name !== name && one.spec['pipeline'] === name)
    if (user !== undefined) throw conflict(`${user.name} needs ${name}`)
    this.objects.delete(name)
    this.revision += 1
    return { ...EMPTY, deleted: [name] }
  }

  async pushPlugin(bytes: Uint8Array, pipeline: string, filter: string): Promise<PushOutcome> {
    this.#throwPlanned()
    this.pushed.push({ bytes, pipeline, filter })
    this.revision += 1
    const [digest, previousDigest] = [`sha256:${'ab'.repeat(32)}`, `sha256:${'cd'.repeat(32)}`]
    return { digest, previousDigest, pipeline, filter, percent: null, durationMs: 2.4 }
  }

  async putSourceMap(digest: string, bytes: Uint8Array): Promise<number> {
    this.sourceMaps.set(digest, bytes)
    return bytes.length
  }

  async promotePlugin(pipeline: string, filter: string): Promise<PushOutcome> {
    return this.pushPlugin(new Uint8Array(), pipeline, filter)
  }

  async inspectPlugin(): Promise<InspectedPlugin> {
    throw new GatewayError('OBJECT_NOT_FOUND', { name: 'plugin in it' })
  }

  async rollbackPlugin(
    pipeline: string,
    filter: string,
    _reason: string,
    by = '',
  ): Promise<PushOutcome> {
    this.rolledBackBy.push(by)
    return this.pushPlugin(new Uint8Array(), pipeline, filter)
  }

  async plugins() {
    return []
  }

  async reloadCode(): Promise<ApplyOutcome> {
    this.#throwPlanned()
    return { ...EMPTY, updated: ['demo'], durationMs: 3.2 }
  }

  async listData(pipeline: string, filter: string): Promise<Record<string, DataValue>> {
    return Object.fromEntries(this.#dataOf(pipeline, filter))
  }

  async applyData(
    pipeline: string,
    filter: string,
    values: Readonly<Record<string, DataValue>>,
  ): Promise<number> {
    this.#throwPlanned()
    const data = this.#dataOf(pipeline, filter)
    for (const [key, value] of Object.entries(values)) data.set(key, value)
    return Object.keys(values).length
  }

  async deleteData(pipeline: string, filter: string): Promise<number> {
    const data = this.#dataOf(pipeline, filter)
    const { size } = data
    data.clear()
    return size
  }

  #dataOf(pipeline: string, filter: string): Map<string, DataValue> {
    const key = `${pipeline}/${filter}`
    const data = this.data.get(key) ?? new Map<string, DataValue>()
    this.data.set(key, data)
    return data
  }

  readinessChecks() {
    return this.checks
  }

  #statusOf({ kind, name }: ObjectSpec): ObjectStatus {
    return { kind, name, state: 'running', generation: 1, error: null, detail: null }
  }

  #check(document: Document, others: readonly Document[]) {
    const issues: ConfigError['issues'][number][] = []
    const report = (path: string, message: string, suggestion: string | null = null) =>
      issues.push({ severity: 'error', position: null, path, message, suggestion })
    const { kind, pipeline } = document
    if (kind !== 'HTTPServer' && kind !== 'Pipeline') {
      report('kind', `there is no kind "${String(kind)}"`, 'Pipeline')
    }
    const names = [...this.objects.keys(), ...others.map((other) => other['name'])]
    if (pipeline !== undefined && !names.includes(String(pipeline))) {
      report('rules[0].paths[0].backend', `there is no pipeline "${String(pipeline)}"`)
    }
    return issues
  }

  #throwPlanned(): void {
    const error = this.failWith
    this.failWith = null
    if (error !== null) throw error
  }
}

const EMPTY: ApplyOutcome = { created: [], updated: [], deleted: [], failed: [], durationMs: 0 }

function conflict(message: string): GatewayError {
  return new GatewayError('ADMIN_CONFLICT', { message })
}

async function unknownPlugin(): Promise<never> {
  throw new GatewayError('PLUGIN_UNKNOWN', { plugin: 'it', near: null })
}
