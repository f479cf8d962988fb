import { Readable } from 'node:stream'
import { systemClock } from '../clock.ts'
import { type ConfigDocument, documentOf } from '../config/document.ts'
import { ConfigError, type ConfigIssue } from '../config/issues.ts'
import type { JsonObject } from '../config/json.ts'
import { readSources } from '../config/source.ts'
import { GatewayError } from '../errors.ts'
import { FILTER_KINDS } from '../filters/builtin.ts'
import type { StoredNames } from '../objects/object.ts'
import { OBJECT_SPECS } from '../objects/specs.ts'
import type { Logger } from '../observe/log.ts'
import type { DataValue } from '../wasm/data/data-value.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import type { Suspension } from '../wasm/plugin-monitor.ts'
import type { ApplyOutcome, Control, ObjectSpec, ObjectStatus } from './control.ts'
import type { ObjectChange, ObjectStore } from './object-store.ts'
import { PluginControl } from './plugin-control.ts'
import { PluginFilters } from './plugin-filters.ts'
import type {
  Because,
  InspectedPlugin,
  PluginStatus,
  PushOutcome,
  StoredPlugins,
  TrialOptions,
} from './plugin-shapes.ts'
import { RolloutControl } from './rollout-control.ts'
import { SourceCache } from './source-cache.ts'
import { namesWith } from './stored-names.ts'
import { StoredPluginControl } from './stored-plugin-control.ts'
import type { Supervisor } from './supervisor.ts'
import { TrialJudge } from './trial-status.ts'
import {
  applyChange,
  type Validated,
  type ValidateOptions,
  type ValidObject,
  validateChange,
  validateDocuments,
} from './validate.ts'
import { ValidationCache } from './validation-cache.ts'
import { ValidationState } from './validation-state.ts'
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
  readonly #filters: PluginFilters
  readonly #pluginControl: PluginControl
  readonly #rolloutControl: RolloutControl
  readonly #wasmControl: WasmControl
  readonly storedPlugins: StoredPlugins
  /** By name, as they were sent. */
  #apiDocuments: Map<string, ConfigDocument> = new Map()
  /** All documents of what runs. */
  #state = new ValidationState()
  readonly #sources = new SourceCache()
  readonly #validated = new ValidationCache()
  #isStarted = false
  #isStopping = false
  /** Reading, validating and applying is one step: two writers must not both start from the same state. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: ControlPlaneOptions) {
    this.#options = options
    const { supervisor, plugins, log } = options
    const filters = new PluginFilters(supervisor)
    this.#filters = filters
    const judge = new TrialJudge(plugins.rollouts, systemClock)
    const inFilters = new PluginControl(filters, plugins, judge)
    const stored = new StoredPluginControl(filters, plugins, judge)
    this.#pluginControl = inFilters
    this.#rolloutControl = new RolloutControl({ filters, plugins, inFilters, stored, judge, log })
    this.storedPlugins = this.#oneAtATime(stored)
    this.#wasmControl = new WasmControl(filters, supervisor, plugins)
  }

  get revision(): number {
    return this.#options.supervisor.revision
  }

  get isReady(): boolean {
    return this.readinessChecks().every((check) => check.ok)
  }

  /** The gateway is about to close: not ready from now on, so that no more traffic is sent here. */
  beginStop(): void {
    this.#isStopping = true
  }

  readinessChecks(): { name: string; ok: boolean; reason: string }[] {
    const failed = this.status().filter((status) => status.state === 'failed')
    const required = this.#options.supervisor.missing.filter(({ isRequired }) => isRequired)
    return [
      {
        name: 'configuration',
        ok: this.#isStarted,
        reason: this.#isStarted ? '' : 'not loaded yet',
      },
      {
        name: 'running',
        ok: !this.#isStopping,
        reason: this.#isStopping ? 'the gateway is stopping' : '',
      },
      {
        name: 'objects',
        ok: failed.length === 0,
        reason: failed.map((status) => `${status.name}: ${status.error}`).join('; '),
      },
      {
        name: 'plugins',
        ok: required.length === 0,
        reason: required.map(({ reason }) => reason).join('; '),
      },
    ]
  }

  /** Loads files and stored objects and starts them. Fails with ConfigError; a failed object does not fail it. */
  start(): Promise<ApplyOutcome> {
    return this.#exclusively(async () => {
      const stored = await this.#options.store.load()
      this.#apiDocuments = new Map(stored.map((data) => [nameOf(data), this.#documentOf(data)]))
      const files = await this.#readFiles()
      // A plugin that is missing must not keep the gateway from starting.
      const validated = this.#validate(files, null)
      this.#state = new ValidationState(validated.checks)
      const outcome = await this.#options.supervisor.apply(byName(validated), { isBoot: true })
      this.#isStarted = true
      return outcome
    })
  }

  /** Reads the files again; `reloads` are objects to make anew in any case. Fails with ConfigError. */
  reload(reloads: ReadonlySet<string> = new Set()): Promise<ApplyOutcome> {
    return this.#exclusively(async () => {
      const files = await this.#readFiles()
      const validated = this.#validate(files, await this.#storedPlugins())
      const outcome = await this.#options.supervisor.apply(byName(validated), { reloads })
      if (outcome.failed.length > 0) return outcome
      this.#state = new ValidationState(validated.checks)
      return outcome
    })
  }

  list(): ObjectSpec[] {
    return [...this.#options.supervisor.objects.values()].map((object) => this.#specOf(object))
  }

  get(name: string): ObjectSpec | undefined {
    const object = this.#options.supervisor.object(name)
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
      const next = new Map<string, JsonObject>()
      for (const document of documents) {
        const name = nameOf(document)
        this.#refuseFileOwned(name)
        const former = next.get(name) ?? this.#apiDocuments.get(name)?.data
        if (mode === 'create' && former !== undefined) {
          throw new GatewayError('ADMIN_CONFLICT', { message: `${name} exists already` })
        }
        if (former !== undefined && former['kind'] !== document['kind']) {
          throw new GatewayError('ADMIN_CONFLICT', {
            message: `${name} is a ${String(former['kind'])}; the kind of an object cannot change`,
          })
        }
        next.set(name, document)
      }
      return this.#applyApi({ put: [...next.values()], deleted: [] })
    })
  }

  delete(name: string): Promise<ApplyOutcome | undefined> {
    return this.#exclusively(async () => {
      this.#refuseFileOwned(name)
      if (!this.#apiDocuments.has(name)) return undefined
      return this.#applyApi({ put: [], deleted: [name] })
    })
  }

  pushPlugin(
    bytes: Uint8Array,
    pipeline: string,
    filter: string,
    options: Because & { readonly trial: TrialOptions | null } = PUSHED,
  ): Promise<PushOutcome> {
    return this.#exclusively(() => this.#pluginControl.push(bytes, pipeline, filter, options))
  }

  putSourceMap(digest: string, bytes: Uint8Array): Promise<number> {
    return this.#exclusively(() => this.#options.plugins.keepSourceMap(digest, bytes))
  }

  promotePlugin(
    pipeline: string,
    filter: string,
    options: Because & { readonly percent: number | null },
  ): Promise<PushOutcome> {
    return this.#exclusively(() => this.#pluginControl.promote(pipeline, filter, options))
  }

  rollbackPlugin(
    pipeline: string,
    filter: string,
    reason: string,
    by: string = PUSHED.by,
  ): Promise<PushOutcome> {
    return this.#exclusively(() => this.#pluginControl.rollback(pipeline, filter, { by, reason }))
  }

  inspectPlugin(pipeline: string, filter: string): Promise<InspectedPlugin> {
    return this.#pluginControl.inspect(pipeline, filter)
  }

  /** A plugin version failed too often: see RolloutControl. Never fails. */
  rollbackFailing(suspension: Suspension): Promise<void> {
    return this.#exclusively(() => this.#rolloutControl.failing(suspension))
  }

  /** Judges the versions on trial: to be called now and then. Never fails. */
  async judgeTrials(): Promise<void> {
    if (this.#rolloutControl.isBusy) await this.#exclusively(() => this.#rolloutControl.judge())
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

  /** Looks at what changes and at what that touches, and at nothing else. */
  async #applyApi(change: ObjectChange): Promise<ApplyOutcome> {
    const added = change.put.map((data) => this.#documentOf(data))
    const names = [...change.put.map(nameOf), ...change.deleted]
    const removed = names.flatMap((name) => this.#apiDocuments.get(name) ?? [])
    const documents = { added, removed }
    const options = this.#validateOptions(await this.#storedPlugins())
    const validated = validateChange(options, this.#state, documents)
    this.#report(validated)
    const staying = new Set(validated.objects.map(({ name }) => name))
    const deleted = removed
      .flatMap((document) => this.#state.checkOf(document)?.object.name ?? [])
      .filter((name) => !staying.has(name))
    const outcome = await this.#options.supervisor.change(validated.objects, deleted)
    const failed = outcome.failed[0]
    if (failed !== undefined) {
      throw new GatewayError('OBJECT_START', {
        name: failed.name,
        reason: failed.reason.replace(/^\S+ cannot start: /, ''),
      })
    }
    applyChange(this.#state, documents, validated)
    for (const name of change.deleted) this.#apiDocuments.delete(name)
    for (const document of added) this.#apiDocuments.set(nameOf(document.data), document)
    await this.#options.store.save(change, () =>
      Array.from(this.#apiDocuments.values(), ({ data }) => data),
    )
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
    for (const parsed of this.#sources.parse(sources)) {
      documents.push(...parsed.documents)
      issues.push(...parsed.issues)
    }
    if (issues.some((issue) => issue.severity === 'error')) throw new ConfigError(issues)
    return documents
  }

  #validate(files: readonly ConfigDocument[], storedPlugins: StoredNames | null): Validated {
    const documents = [...files, ...this.#apiDocuments.values()]
    const validated = validateDocuments({ ...this.#validateOptions(storedPlugins), documents })
    this.#report(validated)
    return validated
  }

  #storedPlugins(): Promise<StoredNames> {
    const named = this.#filters.all().map(({ reference }) => reference.plugin ?? '')
    return namesWith(this.#options.plugins.catalog, named)
  }

  #validateOptions(storedPlugins: StoredNames | null): Omit<ValidateOptions, 'documents'> {
    return {
      storedPlugins,
      kinds: OBJECT_SPECS,
      filterKinds: FILTER_KINDS,
      ignoresUnknownFields: this.#options.ignoresUnknownFields ?? false,
      cache: this.#validated,
    }
  }

  /** Warnings go to the log. Fails with ConfigError when there is an error. */
  #report({ checks, issues }: Validated): void {
    for (const [document] of checks) document.rest?.()
    if (issues.some((issue) => issue.severity === 'error')) throw new ConfigError(issues)
    for (const issue of issues) this.#options.log.warn({ path: issue.path }, issue.message)
  }

  #documentOf(data: JsonObject): ConfigDocument {
    return documentOf(data, this.#options.dataDir)
  }

  #refuseFileOwned(name: string): void {
    const owner = this.#state.ownerOf(name)
    if (owner === undefined || !owner.isLocal) return
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

  /** What changes something waits for its turn. */
  #oneAtATime(stored: StoredPlugins): StoredPlugins {
    return {
      list: () => stored.list(),
      inspect: (name, version) => stored.inspect(name, version),
      push: (bytes, options) => this.#exclusively(() => stored.push(bytes, options)),
      promote: (name, options) => this.#exclusively(() => stored.promote(name, options)),
      rollback: (name, because) => this.#exclusively(() => stored.rollback(name, because)),
      remove: (name, version, because) =>
        this.#exclusively(() => stored.remove(name, version, because)),
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(work)
    this.#queue = run.catch(() => undefined)
    return run
  }
}

/** A push by whoever embeds the gateway. */
const PUSHED = { by: 'embedder', reason: 'pushed', trial: null }

function nameOf(data: JsonObject): string {
  return String(data['name'])
}

function byName({ objects }: Validated): ReadonlyMap<string, ValidObject> {
  return new Map(objects.map((object) => [object.name, object]))
}
