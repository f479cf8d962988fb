import type { ConfigDocument } from '../config/document.ts'
import type { ConfigIssue } from '../config/issues.ts'
import type { ValidObject } from './validate.ts'

/** What the check of one document came to, without an error, and what it depended on. */
export interface KnownCheck {
  readonly object: ValidObject
  readonly warnings: readonly ConfigIssue[]
  /** The names of other objects whose kind it asked for. */
  readonly asked: readonly string[]
  /** Their kinds, in the same order; undefined where there was no object. */
  readonly answers: readonly (string | undefined)[]
}

/**
 * The checks of documents that had no error and took nothing from outside, so that a change of one
 * object costs the check of one object, however many others there are. An entry goes with its document.
 *
 *     document ──▶ object, and { backend "a": Pipeline, … }     holds while "a" is a Pipeline
 */
export class ValidationCache {
  readonly #known = new WeakMap<ConfigDocument, KnownCheck>()

  get(document: ConfigDocument): KnownCheck | undefined {
    return this.#known.get(document)
  }

  set(document: ConfigDocument, check: KnownCheck): void {
    this.#known.set(document, check)
  }
}
