import { type ConfigDocument, parseDocuments } from '../config/document.ts'
import { interpolate, type Lookups, processLookups } from '../config/interpolate.ts'
import type { ConfigIssue, Problem } from '../config/issues.ts'
import { formatPath, type JsonObject, type JsonPath, pathKey } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import type { SourceText } from '../config/source.ts'
import { checkSpec, redact, type SpecData } from '../config/spec-check.ts'
import {
  type CheckContext,
  EASEGRESS_OBJECT_KINDS,
  type FilterKindFacts,
  type ObjectKind,
} from '../objects/object.ts'

/** An object whose document has no problem left that can be found without running it. */
export interface ValidObject {
  readonly kind: string
  readonly name: string
  /** The output of the kind's schema and check, references replaced: secrets may be in it. */
  readonly spec: unknown
  /** The document as it was written, references in it as they stand: this is what may be shown. */
  readonly raw: JsonObject
  /** The document with references replaced: what is compared to find out what changed. Never shown. */
  readonly resolved: JsonObject
  /** As messages call it; "" for a document without a text. */
  readonly file: string
  readonly baseDir: string
}

export interface ValidateOptions {
  readonly documents: readonly ConfigDocument[]
  readonly kinds: readonly ObjectKind[]
  readonly filterKinds: readonly FilterKindFacts[]
  /** Objects that run and stay, unless a document replaces them: what references may lead to. */
  readonly known?: readonly { readonly kind: string; readonly name: string }[]
  /** Where `${…}` is looked up. Default: this process's environment and files. */
  readonly lookups?: Lookups
  /** False when part of the configuration could not be read. Default true. */
  readonly isComplete?: boolean
  /** For configurations that move here from Easegress: unknown fields are warnings. Default false. */
  readonly ignoresUnknownFields?: boolean
}

export interface Validated {
  /** The objects without an error; some may be missing when there are errors. */
  readonly objects: readonly ValidObject[]
  /** Every problem, in the order of the texts. Warnings are among them: see `hasErrors`. */
  readonly issues: readonly ConfigIssue[]
}

/** Parses texts and validates all their documents together. */
export function validateSources(
  options: Omit<ValidateOptions, 'documents'> & { readonly sources: readonly SourceText[] },
): Validated {
  const { sources, isComplete = true, ...rest } = options
  const parsed = sources.map(parseDocuments)
  const syntax = parsed.flatMap((one) => one.issues)
  const hasBroken = syntax.some((issue) => issue.severity === 'error')
  const validated = validateDocuments({
    ...rest,
    documents: parsed.flatMap((one) => one.documents),
    isComplete: isComplete && !hasBroken,
  })
  const order = sources.map((source) => source.file)
  return { objects: validated.objects, issues: sorted([...syntax, ...validated.issues], order) }
}

/**
 * Turns documents into specs and reports every problem of every document at once: unknown kinds and
 * fields, wrong types, names that are taken, references that lead nowhere.
 */
export function validateDocuments(options: ValidateOptions): Validated {
  const lookups = options.lookups ?? processLookups()
  const ignoresUnknownFields = options.ignoresUnknownFields ?? false
  const checks = options.documents.map(
    (document) => new DocumentCheck(document, lookups, ignoresUnknownFields),
  )
  const names = new NameTable(checks, options.known ?? [])
  const objects: ValidObject[] = []
  for (const check of checks) {
    const object = check.run(options, names)
    if (object !== null) objects.push(object)
  }
  const order = [...new Set(options.documents.map((document) => document.file))]
  return {
    objects,
    issues: sorted(
      checks.flatMap((check) => check.issues),
      order,
    ),
  }
}

/** Who has which name, over all documents and what runs. */
class NameTable {
  readonly #kinds = new Map<string, string>()
  readonly #owners = new Map<string, DocumentCheck>()
  readonly #known = new Map<string, string>()

  constructor(
    checks: readonly DocumentCheck[],
    known: readonly { readonly kind: string; readonly name: string }[],
  ) {
    for (const { kind, name } of known) {
      this.#known.set(name, kind)
      this.#kinds.set(name, kind)
    }
    for (const check of checks) {
      const { name, kind } = check
      if (name === null || this.#owners.has(name)) continue
      this.#owners.set(name, check)
      this.#kinds.set(name, kind ?? '')
    }
  }

  kindOf(name: string): string | undefined {
    return this.#kinds.get(name)
  }

  namesOf(kind: string): string[] {
    return [...this.#kinds].filter(([, one]) => one === kind).map(([name]) => name)
  }

  /** The document that had the name first. */
  ownerOf(name: string): DocumentCheck | undefined {
    return this.#owners.get(name)
  }

  runningKindOf(name: string): string | undefined {
    return this.#known.get(name)
  }
}

class DocumentCheck {
  readonly issues: ConfigIssue[] = []
  readonly document: ConfigDocument
  readonly #target: SpecData
  #hasError = false

  constructor(document: ConfigDocument, lookups: Lookups, ignoresUnknownFields: boolean) {
    this.document = document
    const readFile = document.isLocal ? lookups.readFile : null
    const found = interpolate(document.data, { ...lookups, readFile }, document.baseDir)
    this.#target = { ...found, ignoresUnknownFields }
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

  run(options: ValidateOptions, names: NameTable): ValidObject | null {
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
    return { kind: kind.kind, name: this.name ?? '', spec, raw, resolved, file, baseDir }
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

  #checkName(names: NameTable): void {
    const { name, kind } = this
    if (name === null || name === '') return
    const path = ['name']
    const owner = names.ownerOf(name)
    if (owner !== undefined && owner !== this) {
      const place = owner.#where(path, this.document.file)
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

  #context(options: ValidateOptions, names: NameTable): CheckContext {
    return {
      filterKinds: options.filterKinds,
      isComplete: options.isComplete ?? true,
      kindOf: (name) => names.kindOf(name),
      namesOf: (kind) => names.namesOf(kind),
      report: (problem) => this.#report(problem),
      placeOf: (path) => this.#where(path, this.document.file),
      parse: (schema, path, omit) => {
        const { output, problems } = checkSpec(schema, this.#target, path, omit)
        for (const problem of problems) this.#report(problem)
        return output
      },
    }
  }

  /** `line 3`, or `other.yaml:3`, or the path where there is no text. */
  #where(path: JsonPath, from: string): string {
    const position = this.document.locate(path)
    if (position === null) return `\`${formatPath(path)}\``
    return position.file === from ? `line ${position.line}` : `${position.file}:${position.line}`
  }

  #report(problem: Problem): void {
    // A value that could not be looked up is one problem, not two.
    const path = formatPath(problem.path)
    if (this.#target.missing.has(pathKey(problem.path)) && this.#hasIssueAt(path)) return
    const shown = redact(problem, this.#target)
    const severity = shown.severity ?? 'error'
    if (severity === 'error') this.#hasError = true
    this.issues.push({
      severity,
      position: this.document.locate(shown.path, shown.at),
      path,
      message: shown.message,
      suggestion: shown.suggestion ?? null,
    })
  }

  #hasIssueAt(path: string): boolean {
    return this.issues.some((issue) => issue.path === path)
  }
}

/** In the order of the texts, top to bottom; issues without a place keep their order, at the end. */
function sorted(issues: readonly ConfigIssue[], order: readonly string[]): ConfigIssue[] {
  const rank = new Map(order.map((file, index) => [file, index]))
  return issues.toSorted((a, b) => {
    if (a.position === null || b.position === null) {
      return Number(a.position === null) - Number(b.position === null)
    }
    const byFile = (rank.get(a.position.file) ?? 0) - (rank.get(b.position.file) ?? 0)
    return byFile || a.position.line - b.position.line || a.position.column - b.position.column
  })
}
