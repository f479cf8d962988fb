import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseDocuments } from '../../config/document.ts'
import { formatIssue } from '../../config/issues.ts'
import { formatPath } from '../../config/json.ts'
import type { z } from '../../config/schema.ts'
import { checkSpec } from '../../config/spec-check.ts'
import { GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import { FileWatch } from '../../file-watch.ts'
import type { Logger } from '../../observe/log.ts'
import type { ServerSpec } from '../endpoint.ts'
import { type Discovery, ServerList } from './discovery.ts'

/** Characters of a file of servers. */
export const MAX_SERVERS_FILE_LENGTH = 4 * 1024 * 1024

/** Problems of a file that one line of the log names. */
const MAX_SHOWN_PROBLEMS = 5

export interface FileSpec {
  readonly path: string
  readonly baseDir: string
  /** Servers with one of these tags are taken; all when empty, or when no server has one. */
  readonly tags: readonly string[]
  /** What the file holds. */
  readonly schema: z.ZodType<{ servers: readonly ServerSpec[] }>
}

/**
 * The servers of a YAML or JSON file, `servers:` with a list as in a pool. It is read again when it
 * changes; a file that is wrong, empty or gone keeps what was read last.
 */
export class FileDiscovery implements Discovery {
  readonly ready: Promise<void>
  readonly #path: string
  readonly #spec: FileSpec
  readonly #log: Logger
  readonly #list = new ServerList()
  readonly #watch: FileWatch

  constructor(spec: FileSpec, log: Logger) {
    this.#spec = spec
    this.#log = log
    this.#path = resolve(spec.baseDir, spec.path)
    this.#watch = new FileWatch(
      () => [this.#path],
      () => this.#read(),
    )
    // Watched before it is read: a change in between is seen.
    this.ready = this.#watch.start().then(() => this.#read())
  }

  get servers(): readonly ServerSpec[] | null {
    return this.#list.servers
  }

  listen(listener: () => void): void {
    this.#list.listen(listener)
  }

  unlisten(listener: () => void): void {
    this.#list.unlisten(listener)
  }

  close(): void {
    this.#watch.close()
  }

  async #read(): Promise<void> {
    try {
      const text = await readFile(this.#path, 'utf8')
      const servers = this.#parse(text)
      if (this.#list.replace(servers)) {
        this.#log.info({ file: this.#path, servers: servers.length }, 'servers read')
      }
    } catch (error) {
      const kept = this.#list.servers === null ? '' : '; the former servers are kept'
      const failure = isGatewayError(error) ? error : this.#failure(reasonOf(error))
      this.#log.warn({ file: this.#path }, `${failure.message}${kept}`)
    }
  }

  #parse(text: string): readonly ServerSpec[] {
    if (text.length > MAX_SERVERS_FILE_LENGTH) {
      throw this.#failure(`it is larger than ${MAX_SERVERS_FILE_LENGTH} characters`)
    }
    const source = { file: this.#path, baseDir: dirname(this.#path), text }
    const { documents, issues } = parseDocuments(source)
    const broken = issues.find((issue) => issue.severity === 'error')
    if (broken !== undefined) throw this.#failure(formatIssue(broken))
    const [document] = documents
    if (document === undefined) throw this.#failure('it is empty')
    const target = { data: document.data, written: NONE, secret: NO_KEYS, missing: NO_KEYS }
    const { output, problems } = checkSpec(this.#spec.schema, target)
    if (problems.length > 0) {
      const shown = problems.slice(0, MAX_SHOWN_PROBLEMS).map((problem) => {
        const { path, at, message, suggestion = null } = problem
        const position = document.locate(path, at)
        const where = formatPath(path)
        return formatIssue({ severity: 'error', position, path: where, message, suggestion })
      })
      throw this.#failure(shown.join('; '))
    }
    const servers = output?.servers ?? []
    if (servers.length === 0) throw this.#failure('it names no server')
    return this.#tagged(servers)
  }

  #tagged(servers: readonly ServerSpec[]): readonly ServerSpec[] {
    const { tags } = this.#spec
    if (tags.length === 0) return servers
    const tagged = servers.filter((server) => server.tags.some((tag) => tags.includes(tag)))
    return tagged.length === 0 ? servers : tagged
  }

  #failure(reason: string): GatewayError {
    return new GatewayError('UPSTREAM_SERVERS_FILE', { path: this.#spec.path, reason })
  }
}

/** Nothing in a file of servers comes from `${…}`. */
const NONE: ReadonlyMap<string, string> = new Map()
const NO_KEYS: ReadonlySet<string> = new Set()
