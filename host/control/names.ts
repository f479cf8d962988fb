import type { ConfigDocument } from '../config/document.ts'
import type { ValidationState } from './validation-state.ts'

/** A document and what it says it is; null where it does not say, or cannot be asked. */
export interface NamedDocument {
  readonly document: ConfigDocument
  readonly name: string | null
  readonly kind: string | null
}

/** Who has which name, over all documents and what runs. */
export interface Names {
  kindOf(name: string): string | undefined
  namesOf(kind: string): string[]
  /** The document that had the name first. */
  ownerOf(name: string): ConfigDocument | undefined
  runningKindOf(name: string): string | undefined
}

/** The names of all documents together, and of what runs. */
export class NameTable implements Names {
  /** The document that had the name first. */
  readonly #owners = new Map<string, NamedDocument>()
  readonly #known = new Map<string, string>()

  constructor(
    checks: readonly NamedDocument[],
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
export class ChangedNames implements Names {
  readonly #state: ValidationState
  readonly #gone: ReadonlySet<ConfigDocument>
  readonly #added = new Map<string, NamedDocument>()

  constructor(
    state: ValidationState,
    gone: ReadonlySet<ConfigDocument>,
    added: readonly NamedDocument[],
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
