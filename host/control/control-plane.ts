import { Readable } from 'node:stream'
import { type ConfigDocument, documentOf, parseDocuments } from '../config/document.ts'
import { ConfigError, type ConfigIssue } from '../config/issues.ts'
import type { JsonObject } from '../config/json.ts'
import { readSources } from '../config/source.ts'
import { GatewayError } from '../errors.ts'
import { FILTER_KINDS } from '../filters/builtin.ts'
import { OBJECT_SPECS } from '../objects/specs.ts'
import type { Logger } from '../observe/log.ts'
import type { DataValue } from '../wasm/data/data-value.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import type { Suspension } from '../wasm/plugin-monitor.ts'
import type { ApplyOutcome, Control, ObjectSpec, ObjectStatus, PushOutcome } from './control.ts'
import type { ObjectStore } from './object-store.ts'
import { PluginControl, type PluginStatus } from './plugin-control.ts'
import type { Supervisor } from './supervisor.ts'
import { type ValidObject, validateDocuments } from './validate.ts'
import { WasmControl } from './wasm-control.ts'

export interface ControlPlaneOptions {
  /** Files and folders of `-f`. */
  readonly files: readonly string[]
  readonly dataDir: string
  readonly supervisor: Supervisor
  readonly plugins: PluginHost
  readonly store: ObjectStore
  /** Unknown fields are warnings: see `ValidateOptions`. */
  readonly ignoresUnknownFields?: boolean
  readonly log: Logger
}

/**
 * From documents to running objects, whichever way they came: files, the admin API, a pushed plugin. Every
 * change is validated as a whole, with everything that runs, before anything is made.
 */
export class ControlPlane implements Control {
  readonly #options: ControlPlaneOptions
  readonly #pluginControl: PluginControl
  readonly #wasmControl: WasmControl
  #fileDocuments: readonly ConfigDocument[] = []
  /** By name, as they were sent. */
  #apiDocuments: ReadonlyMap<string, JsonObject> = new Map()
  #isStarted = false
  /** Reading, validating and applying is one step: two writers must not both start from the same state. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: ControlPlaneOptions) {
    this.#options = options
    this.#pluginControl = new PluginControl(options.supervisor, options.plugins, options.log)
    this.#wasmControl = new WasmControl(options.supervisor, options.plugins)
  }

  get revision(): number {
    return this.#options.supervisor.revision
  }

  get isReady(): boolean {
    return this.readinessChecks().every((check) => check.ok)
  }

  readinessChecks(): { name: string; ok: boolean; reason: string }[] {
    const failed = this.status().filter((status) => status.state === 'failed')
    return [
      {
        name: 'configuration',
        ok: this.#isStarted,
        reason: this.#isStarted ? '' : 'not loaded yet',
      },
      {
        name: 'objects',
        ok: failed.length === 0,
        reason: failed.map((status) => `${status.name}: ${status.error}`).join('; '),
      },
    ]
  }

  /** Loads files and stored objects and starts them. Fails with ConfigError; a failed object does not fail it. */
  start(): Promise<ApplyOutcome> {
    return this.#exclusively(async () => {
      const stored = await this.#options.store.load()
      this.#apiDocuments = new Map(stored.map((document) => [String(document['name']), document]))
      const files = await this.#readFiles()
      const wanted = this.#validate(files, this.#apiDocuments)
      this.#fileDocuments = files
      const outcome = await this.#options.supervisor.apply(wanted, { isBoot: true })
      this.#isStarted = true
      return outcome
    })
  }

  /** Reads the files again; `reloads` are objects to make anew in any case. Fails with ConfigError. */
  reload(reloads: ReadonlySet<string> = new Set()): Promise<ApplyOutcome> {
    return this.#exclusively(async () => {
      const files = await this.#readFiles()
      const wanted = this.#validate(files, this.#apiDocuments)
      const outcome = await this.#options.supervisor.apply(wanted, { reloads })
      if (outcome.failed.length === 0) this.#fileDocuments = files
      return outcome
    })
  }

  list(): ObjectSpec[] {
    return [...this.#options.supervisor.objects.values()].map((object) => this.#specOf(object))
  }

  get(name: string): ObjectSpec | undefined {
    const object = this.#options.supervisor.objects.get(name)
    return object === undefined ? undefined : this.#specOf(object)
  }

  status(): ObjectStatus[] {
    return this.#options.supervisor.status()
  }

  statusOf(name: string): ObjectStatus | undefined {
    return this.#options.supervisor.statusOf(name)
  }

  put(
    documents: readonly JsonObject[],
    mode: 'create' | 'update' | 'upsert',
  ): Promise<ApplyOutcome> {
    return this.#exclusively(async () => {
      const next = new Map(this.#apiDocuments)
      for (const document of documents) {
        const name = String(document['name'])
        this.#refuseFileOwned(name)
        if (mode === 'create' && next.has(name)) {
          throw new GatewayError('ADMIN_CONFLICT', { message: `${name} exists already` })
        }
        const former = next.get(name)
        if (former !== undefined && former['kind'] !== document['kind']) {
          throw new GatewayError('ADMIN_CONFLICT', {
            message: `${name} is a ${String(former['kind'])}; the kind of an object cannot change`,
          })
        }
        next.set(name, document)
      }
      return this.#applyApi(next)
    })
  }

  delete(name: string): Promise<ApplyOutcome | undefined> {
    return this.#exclusively(async () => {
      this.#refuseFileOwned(name)
      if (!this.#apiDocuments.has(name)) return undefined
      const next = new Map(this.#apiDocuments)
      next.delete(name)
      return this.#applyApi(next)
    })
  }

  pushPlugin(bytes: Uint8Array, pipeline: string, filter: string): Promise<PushOutcome> {
    return this.#exclusively(() => this.#pluginControl.push(bytes, pipeline, filter))
  }

  rollbackPlugin(pipeline: string, filter: string, reason: string): Promise<PushOutcome> {
    return this.#exclusively(() => this.#pluginControl.rollback(pipeline, filter, reason))
  }

  /** A plugin version failed too often: see PluginControl. Never fails. */
  rollbackFailing(suspension: Suspension): Promise<void> {
    return this.#exclusively(() => this.#pluginControl.rollbackFailing(suspension))
  }

  plugins(): Promise<PluginStatus[]> {
    return this.#pluginControl.list()
  }

  reloadCode(): Promise<ApplyOutcome> {
    return this.#exclusively(() => this.#wasmControl.reloadCode())
  }

  async listData(pipeline: string, filter: string): Promise<Readonly<Record<string, DataValue>>> {
    return this.#wasmControl.listData(pipeline, filter)
  }

  async applyData(
    pipeline: string,
    filter: string,
    values: Readonly<Record<string, DataValue>>,
  ): Promise<number> {
    return this.#wasmControl.applyData(pipeline, filter, values)
  }

  async deleteData(pipeline: string, filter: string): Promise<number> {
    return this.#wasmControl.deleteData(pipeline, filter)
  }

  async #applyApi(next: ReadonlyMap<string, JsonObject>): Promise<ApplyOutcome> {
    const wanted = this.#validate(this.#fileDocuments, next)
    const outcome = await this.#options.supervisor.apply(wanted)
    const failed = outcome.failed[0]
    if (failed !== undefined) {
      throw new GatewayError('OBJECT_START', {
        name: failed.name,
        reason: failed.reason.replace(/^\S+ cannot start: /, ''),
      })
    }
    this.#apiDocuments = next
    await this.#options.store.save([...next.values()])
    return outcome
  }

  async #readFiles(): Promise<ConfigDocument[]> {
    const { sources, failures } = await readSources(this.#options.files, {
      cwd: process.cwd(),
      stdin: Readable.from([]),
    })
    if (failures[0] !== undefined) throw failures[0]
    const documents: ConfigDocument[] = []
    const issues: ConfigIssue[] = []
    for (const source of sources) {
      const parsed = parseDocuments(source)
      documents.push(...parsed.documents)
      issues.push(...parsed.issues)
    }
    if (issues.some((issue) => issue.severity === 'error')) throw new ConfigError(issues)
    return documents
  }

  #validate(
    files: readonly ConfigDocument[],
    api: ReadonlyMap<string, JsonObject>,
  ): ReadonlyMap<string, ValidObject> {
    const sent = [...api.values()].map((document) => documentOf(document, this.#options.dataDir))
    const { objects, issues } = validateDocuments({
      documents: [...files, ...sent],
      kinds: OBJECT_SPECS,
      filterKinds: FILTER_KINDS,
      ignoresUnknownFields: this.#options.ignoresUnknownFields ?? false,
    })
    if (issues.some((issue) => issue.severity === 'error')) throw new ConfigError(issues)
    for (const issue of issues) this.#options.log.warn({ path: issue.path }, issue.message)
    return new Map(objects.map((object) => [object.name, object]))
  }

  #refuseFileOwned(name: string): void {
    const owner = this.#fileDocuments.find((document) => document.data['name'] === name)
    if (owner === undefined) return
    throw new GatewayError('ADMIN_CONFLICT', {
      message: `${name} comes from ${owner.file}: change it there, the gateway follows the file`,
    })
  }

  #specOf(object: ValidObject): ObjectSpec {
    return {
      kind: object.kind,
      name: object.name,
      spec: object.raw,
      source: this.#apiDocuments.has(object.name) ? 'api' : 'file',
      baseDir: object.baseDir,
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(work)
    this.#queue = run.catch(() => undefined)
    return run
  }
}
