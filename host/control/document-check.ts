import type { ConfigDocument } from '../config/document.ts'
import { interpolate, type Lookups } from '../config/interpolate.ts'
import type { ConfigIssue, Problem } from '../config/issues.ts'
import { formatPath, type JsonPath, pathKey } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { checkSpec, redact, type SpecData } from '../config/spec-check.ts'
import { type CheckContext, EASEGRESS_OBJECT_KINDS, type ObjectKind } from '../objects/object.ts'
import type { NamedDocument, Names } from './names.ts'
import type { ValidateOptions } from './validate.ts'
import type { KnownCheck } from './validation-cache.ts'

/** One document on its way to an object. */
export interface Checked extends NamedDocument {
  readonly issues: readonly ConfigIssue[]
  /** Null when there is an error. */
  run(options: ValidateOptions, names: Names): KnownCheck | null
}

/** A document that has been checked before: its object holds while what it asked for is the same. */
export class KnownDocument implements Checked {
  readonly document: ConfigDocument
  readonly name: string
  readonly kind: string
  issues: readonly ConfigIssue[]
  readonly #known: KnownCheck
  readonly #checkAgain: () => DocumentCheck

  constructor(document: ConfigDocument, known: KnownCheck, checkAgain: () => DocumentCheck) {
    this.document = document
    this.name = known.object.name
    this.kind = known.object.kind
    this.issues = known.warnings
    this.#known = known
    this.#checkAgain = checkAgain
  }

  run(options: ValidateOptions, names: Names): KnownCheck | null {
    if (this.#holds(names)) return this.#known
    const check = this.#checkAgain()
    this.issues = check.issues
    return check.run(options, names)
  }

  /** The name is not taken, and every object that was asked for is of the kind it was. */
  #holds(names: Names): boolean {
    const { name, kind } = this
    const { asked, answers } = this.#known
    if (names.ownerOf(name) !== this.document) return false
    if ((names.runningKindOf(name) ?? kind) !== kind) return false
    for (let i = 0; i < asked.length; i++) {
      if (names.kindOf(asked[i] as string) !== answers[i]) return false
    }
    return true
  }
}

/** One document: its references are replaced when it is made, everything else is checked by `run`. */
export class DocumentCheck implements Checked {
  readonly document: ConfigDocument
  readonly issues: ConfigIssue[] = []
  readonly #target: SpecData
  /** The kinds of other objects that the check has asked for, by name. */
  readonly #asked = new Map<string, string | undefined>()
  #hasError = false

  constructor(document: ConfigDocument, lookups: Lookups, ignoresUnknownFields: boolean) {
    this.document = document
    const readFile = document.isLocal ? lookups.readFile : null
    const found = interpolate(document.data, { ...lookups, readFile }, document.baseDir)
    // Equal data is kept once: a configuration of thousands of routes is not small. Unknown fields are
    // taken out of the data, and the document must stay as it was written.
    const data = found.isChanged || ignoresUnknownFields ? found.data : document.data
    this.#target = { ...found, data, ignoresUnknownFields }
    for (const problem of found.problems) this.#report(problem)
  }

  get name(): string | null {
    return this.#field('name')
  }

  get kind(): string | null {
    return this.#field('kind')
  }

  #field(field: 'name' | 'kind'): string | null {
    const value = this.#target.data[field]
    const isKnown = typeof value === 'string' && !this.#target.missing.has(pathKey([field]))
    return isKnown ? value : null
  }

  run(options: ValidateOptions, names: Names): KnownCheck | null {
    const kind = this.#findKind(options.kinds)
    this.#checkName(names)
    if (kind === undefined) return null
    const { output, problems } = checkSpec(kind.spec, this.#target)
    for (const problem of problems) this.#report(problem)
    const parts = kind.check?.(this.#target.data, this.#context(options, names)) ?? {}
    if (this.#hasError || typeof output !== 'object' || output === null) return null
    const { data: raw, file, baseDir } = this.document
    const spec = { ...output, ...parts }
    const resolved = this.#target.data
    const object = { kind: kind.kind, name: this.name ?? '', spec, raw, resolved, file, baseDir }
    const asked = [...this.#asked.keys()]
    const answers = [...this.#asked.values()]
    const known = { object, warnings: this.issues, asked, answers }
    // What a variable or a file holds may be different next time.
    if (this.#target.written.size === 0) options.cache?.set(this.document, known)
    return known
  }

  #findKind(kinds: readonly ObjectKind[]): ObjectKind | undefined {
    const path = ['kind']
    const value = this.#target.data['kind']
    if (this.#target.missing.has(pathKey(path))) return undefined
    if (typeof value !== 'string' || value === '') {
      const names = kinds.map((one) => one.kind).join(', ')
      const isMissing = value === undefined || value === null || value === ''
      const message = isMissing ? '`kind` is missing' : '`kind` must be text'
      this.#report({ path, message: `${message}: it is one of ${names}` })
      return undefined
    }
    const kind = kinds.find((one) => one.kind === value)
    if (kind !== undefined) return kind
    if (EASEGRESS_OBJECT_KINDS.includes(value)) {
      this.#report({ path, message: `the kind "${value}" is not supported yet` })
      return undefined
    }
    const suggestion = nearest(
      value,
      kinds.map((one) => one.kind),
    )
    this.#report({ path, message: `there is no kind "${value}"`, suggestion })
    return undefined
  }

  #checkName(names: Names): void {
    const { name, kind } = this
    if (name === null || name === '') return
    const path = ['name']
    const owner = names.ownerOf(name)
    if (owner !== undefined && owner !== this.document) {
      const place = placeIn(owner, path, this.document.file)
      const message = `"${name}" is the name of another object already, in ${place}`
      this.#report({ path, message })
      return
    }
    const running = names.runningKindOf(name)
    if (running !== undefined && kind !== null && running !== kind) {
      const message = `"${name}" is the name of a ${running} already; an object keeps its kind`
      this.#report({ path, message })
    }
  }

  #context(options: ValidateOptions, names: Names): CheckContext {
    const { describeModule } = options
    return {
      filterKinds: options.filterKinds,
      storedPlugins: options.storedPlugins ?? null,
      moduleOf:
        describeModule === undefined
          ? undefined
          : (code) => describeModule(code, this.document.baseDir),
      isComplete: options.isComplete ?? true,
      kindOf: (name) => {
        const kind = names.kindOf(name)
        this.#asked.set(name, kind)
        return kind
      },
      namesOf: (kind) => names.namesOf(kind),
      report: (problem) => this.#report(problem),
      placeOf: (path) => placeIn(this.document, path, this.document.file),
      parse: (schema, path, omit) => {
        const { output, problems } = checkSpec(schema, this.#target, path, omit)
        for (const problem of problems) this.#report(problem)
        return output
      },
    }
  }

  #report(problem: Problem): void {
    // A value that could not be looked up is one problem, not two.
    const path = formatPath(problem.path)
    if (this.#target.missing.has(pathKey(problem.path)) && this.#hasIssueAt(path)) return
    const shown = redact(problem, this.#target)
    const severity = shown.severity ?? 'error'
    if (severity === 'error') this.#hasError = true
    const position = this.document.locate(shown.path, shown.at)
    const { name } = this
    this.issues.push({
      severity,
      position,
      ...(position === null && name !== null ? { object: name } : {}),
      path,
      message: shown.message,
      suggestion: shown.suggestion ?? null,
    })
  }

  #hasIssueAt(path: string): boolean {
    return this.issues.some((issue) => issue.path === path)
  }
}

/** `line 3`, or `other.yaml:3` seen from another file, or the path where there is no text. */
function placeIn(document: ConfigDocument, path: JsonPath, from: string): string {
  const position = document.locate(path)
  if (position === null) return `\`${formatPath(path)}\``
  return position.file === from ? `line ${position.line}` : `${position.file}:${position.line}`
}
