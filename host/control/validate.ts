import { type ConfigDocument, parseDocuments } from '../config/document.ts'
import { interpolate, type Lookups, processLookups } from '../config/interpolate.ts'
import type { ConfigIssue, Problem } from '../config/issues.ts'
import { formatPath, type JsonObject, type JsonPath, pathKey } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import type { SourceText } from '../config/source.ts'
import { checkSpec, redact, type SpecData } from '../config/spec-check.ts'
import { findCutTimeouts } from '../objects/cut-timeouts.ts'
import {
  type CheckContext,
  EASEGRESS_OBJECT_KINDS,
  type FilterKindFacts,
  type ObjectKind,
  type StoredNames,
} from '../objects/object.ts'
import type { KnownCheck, ValidationCache } from './validation-cache.ts'
import type { ValidationState } from './validation-state.ts'

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
  /** Plugins that a filter may name. Default null: whether there is one is found when it is opened. */
  readonly storedPlugins?: StoredNames | null
  /**
   * Documents that need not be looked at again: also not for a plugin that is gone since. The other options
   * must be the same at every use of it.
   */
  readonly cache?: ValidationCache
}

export interface Validated {
  /** The objects without an error; some may be missing when there are errors. */
  readonly objects: readonly ValidObject[]
  /** Every problem, in the order of the texts. Warnings are among them: see `hasErrors`. */
  readonly issues: readonly ConfigIssue[]
  /** What the check of each document without an error came to. */
  readonly checks: readonly (readonly [ConfigDocument, KnownCheck])[]
}

/** Documents that come and go while all others stay. */
export interface DocumentChange {
  readonly added: readonly ConfigDocument[]
  readonly removed: readonly ConfigDocument[]
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
  return { ...validated, issues: sorted([...syntax, ...validated.issues], order) }
}

/**
 * Turns documents into specs and reports every problem of every document at once: unknown kinds and
 * fields, wrong types, names that are taken, references that lead nowhere.
 */
export function validateDocuments(options: ValidateOptions): Validated {
  const lookups = options.lookups ?? processLookups()
  const ignoresUnknownFields = options.ignoresUnknownFields ?? false
  const { cache } = options
  const check = (document: ConfigDocument): DocumentCheck =>
    new DocumentCheck(document, lookups, ignoresUnknownFields)
  const checks: Checked[] = options.documents.map((document) => {
    const known = cache?.get(document)
    return known === undefined
      ? check(document)
      : new KnownDocument(document, known, () => check(document))
  })
  return runAll(checks, options, new NameTable(checks, options.known ?? []))
}

/**
 * Validates a change of what `state` holds: the documents that come, and those that asked for an object
 * that comes, goes or changes its kind. What it costs does not depend on how many documents stay. The
 * state is left as it is: `applyChange` makes the change its own.
 */
export function validateChange(
  options: Omit<ValidateOptions, 'documents' | 'known'>,
  state: ValidationState,
  { added, removed }: DocumentChange,
): Validated {
  const lookups = options.lookups ?? processLookups()
  const check = (document: ConfigDocument): DocumentCheck =>
    new DocumentCheck(document, lookups, options.ignoresUnknownFields ?? false)
  const checks = added.map(check)
  const gone = new Set(removed)
  const names = new ChangedNames(state, gone, checks)
  const touched = new Set(removed.flatMap((one) => state.checkOf(one)?.object.name ?? []))
  for (const { name } of checks) if (name !== null) touched.add(name)
  const again = new Set<ConfigDocument>()
  for (const name of touched) {
    if (state.kindOf(name) === names.kindOf(name)) continue
    for (const asker of state.askersOf(name)) if (!gone.has(asker)) again.add(asker)
  }
  const all = [...checks, ...[...again].map(check)]
  return runAll(all, { ...options, documents: all.map(({ document }) => document) }, names)
}

/** Makes a change that was validated the state. */
export function applyChange(
  state: ValidationState,
  { removed }: DocumentChange,
  { checks }: Validated,
): void {
  for (const document of removed) state.remove(document)
  for (const [document, check] of checks) state.add(document, check)
}

function runAll(checks: readonly Checked[], options: ValidateOptions, names: Names): Validated {
  const objects: ValidObject[] = []
  const known: (readonly [ConfigDocument, KnownCheck])[] = []
  for (const one of checks) {
    const found = one.run(options, names)
    if (found === null) continue
    objects.push(found.object)
    known.push([one.document, found])
  }
  const issues = [...checks.flatMap((one) => one.issues), ...acrossObjects(known)]
  if (issues.length === 0) return { objects, issues, checks: known }
  const order = [...new Set(options.documents.map((document) => document.file))]
  return { objects, issues: sorted(issues, order), checks: known }
}

/** Warnings about objects together. They are found anew each time: the other object may change. */
function acrossObjects(
  known: readonly (readonly [ConfigDocument, KnownCheck])[],
): readonly ConfigIssue[] {
  const found = findCutTimeouts(known.map(([, { object }]) => object))
  if (found.length === 0) return []
  const documents = new Map(known.map(([document, { object }]) => [object.name, document]))
  return found.map(({ object, path, message }) => ({
    severity: 'warning',
    position: documents.get(object)?.locate(path) ?? null,
    path: formatPath(path),
    message,
    suggestion: null,
  }))
}

/** One document on its way to an object. */
interface Checked {
  readonly document: ConfigDocument
  readonly name: string | null
  readonly kind: string | null
  readonly issues: readonly ConfigIssue[]
  /** Null when there is an error. */
  run(options: ValidateOptions, names: Names): KnownCheck | null
}

/** Who has which name, over all documents and what runs. */
interface Names {
  kindOf(name: string): string | undefined
  namesOf(kind: string): string[]
  /** The document that had the name first. */
  ownerOf(name: string): ConfigDocument | undefined
  runningKindOf(name: string): string | undefined
}

class NameTable implements Names {
  /** The document that had the name first. */
  readonly #owners = new Map<string, Checked>()
  readonly #known = new Map<string, string>()

  constructor(
    checks: readonly Checked[],
    known: readonly { readonly kind: string; readonly name: string }[],
  ) {
    for (const { kind, name } of known) this.#known.set(name, kind)
    for (const check of checks) {
      const { name } = check
      if (name !== null && !this.#owners.has(name)) this.#owners.set(name, check)
    }
  }

  kindOf(name: string): string | undefined {
    const owner = this.#owners.get(name)
    return owner === undefined ? this.#known.get(name) : (owner.kind ?? '')
  }

  namesOf(kind: string): string[] {
    const names = new Set([...this.#known.keys(), ...this.#owners.keys()])
    return [...names].filter((name) => this.kindOf(name) === kind)
  }

  ownerOf(name: string): ConfigDocument | undefined {
    return this.#owners.get(name)?.document
  }

  runningKindOf(name: string): string | undefined {
    return this.#known.get(name)
  }
}

/** The names of a state with a change of it. */
class ChangedNames implements Names {
  readonly #state: ValidationState
  readonly #gone: ReadonlySet<ConfigDocument>
  readonly #added = new Map<string, Checked>()

  constructor(
    state: ValidationState,
    gone: ReadonlySet<ConfigDocument>,
    added: readonly Checked[],
  ) {
    this.#state = state
    this.#gone = gone
    for (const check of added) {
      if (check.name !== null && !this.#added.has(check.name)) this.#added.set(check.name, check)
    }
  }

  kindOf(name: string): string | undefined {
    if (this.#staying(name) !== undefined) return this.#state.kindOf(name)
    const added = this.#added.get(name)
    return added === undefined ? undefined : (added.kind ?? '')
  }

  namesOf(kind: string): string[] {
    const names = new Set([...this.#state.names, ...this.#added.keys()])
    return [...names].filter((name) => this.kindOf(name) === kind)
  }

  ownerOf(name: string): ConfigDocument | undefined {
    return this.#staying(name) ?? this.#added.get(name)?.document
  }

  runningKindOf(_name: string): string | undefined {
    return undefined
  }

  #staying(name: string): ConfigDocument | undefined {
    const owner = this.#state.ownerOf(name)
    return owner === undefined || this.#gone.has(owner) ? undefined : owner
  }
}

/** A document that has been checked before: its object holds while what it asked for is the same. */
class KnownDocument implements Checked {
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

class DocumentCheck implements Checked {
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
    return {
      filterKinds: options.filterKinds,
      storedPlugins: options.storedPlugins ?? null,
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
