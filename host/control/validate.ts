import { type ConfigDocument, parseDocuments } from '../config/document.ts'
import { type Lookups, processLookups } from '../config/interpolate.ts'
import type { ConfigIssue } from '../config/issues.ts'
import { formatPath, type JsonObject } from '../config/json.ts'
import type { SourceText } from '../config/source.ts'
import { findCutTimeouts } from '../objects/cut-timeouts.ts'
import type { ModuleFacts } from '../objects/module-check.ts'
import type { FilterKindFacts, ObjectKind, StoredNames } from '../objects/object.ts'
import { type Checked, DocumentCheck, KnownDocument } from './document-check.ts'
import { ChangedNames, type Names, NameTable } from './names.ts'
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
   * What the module says of itself that the field `code` of a filter names, relative to a folder; null when it
   * cannot be read. For whoever does not open the plugins afterwards, and without a cache. Default: not looked at.
   */
  readonly describeModule?: (code: string, baseDir: string) => ModuleFacts | null
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
