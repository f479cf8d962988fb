import type { ConfigDocument } from '../config/document.ts'
import type { KnownCheck } from './validation-cache.ts'

/**
 * The documents of everything that runs, with what each asked about the others: what a change has to look
 * at beside the documents it brings.
 *
 *     put "a" ──▶ who has the name?  ──▶ that document goes
 *                 who asked for it?  ──▶ checked again, when "a" is new, gone, or of another kind
 */
export class ValidationState {
  readonly #checks = new Map<ConfigDocument, KnownCheck>()
  readonly #owners = new Map<string, ConfigDocument>()
  readonly #askers = new Map<string, Set<ConfigDocument>>()

  constructor(checks: Iterable<readonly [ConfigDocument, KnownCheck]> = []) {
    for (const [document, check] of checks) this.add(document, check)
  }

  get names(): Iterable<string> {
    return this.#owners.keys()
  }

  checkOf(document: ConfigDocument): KnownCheck | undefined {
    return this.#checks.get(document)
  }

  ownerOf(name: string): ConfigDocument | undefined {
    return this.#owners.get(name)
  }

  kindOf(name: string): string | undefined {
    const owner = this.#owners.get(name)
    return owner === undefined ? undefined : this.#checks.get(owner)?.object.kind
  }

  /** The documents that asked for the kind of an object. */
  askersOf(name: string): Iterable<ConfigDocument> {
    return this.#askers.get(name) ?? []
  }

  add(document: ConfigDocument, check: KnownCheck): void {
    this.remove(document)
    this.#checks.set(document, check)
    this.#owners.set(check.object.name, document)
    for (const name of check.asked) {
      const askers = this.#askers.get(name)
      if (askers === undefined) this.#askers.set(name, new Set([document]))
      else askers.add(document)
    }
  }

  remove(document: ConfigDocument): void {
    const check = this.#checks.get(document)
    if (check === undefined) return
    this.#checks.delete(document)
    const { name } = check.object
    if (this.#owners.get(name) === document) this.#owners.delete(name)
    for (const asked of check.asked) {
      const askers = this.#askers.get(asked)
      askers?.delete(document)
      if (askers?.size === 0) this.#askers.delete(asked)
    }
  }
}
