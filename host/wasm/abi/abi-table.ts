/** When a guest is called for one request. */
export type Phase = 'request' | 'response' | 'done'

/** A function's signature as `signatureOf` writes it: `(i32, i32) -> i32`. */
export type Signature = string

export interface AbiExport {
  readonly kind: 'function' | 'memory'
  /** Null for what is no function. */
  readonly signature: Signature | null
  readonly isRequired: boolean
}

/**
 * What one ABI consists of, as data: the only place its names and signatures stand. The functions
 * behind the imports are elsewhere and are typed by the keys of this table.
 */
export interface AbiTable {
  readonly name: string
  /** Signatures of the host calls, by import module and name. */
  readonly imports: Readonly<Record<string, Readonly<Record<string, Signature>>>>
  readonly exports: Readonly<Record<string, AbiExport>>
  /** The export that serves each phase; a module has at least one of them. */
  readonly phases: Readonly<Record<Phase, string | null>>
  /** Its guests know no phases: they run once, at their place in the flow, with whatever is there then. */
  readonly runsOnce: boolean
  /**
   * The host calls that read a body. A module without a description that imports one gets that body
   * whole; null when only a description can ask for it.
   */
  readonly bodyReads: {
    readonly request: string | null
    readonly response: string | null
  }
  /** Its host calls that make a guest wait for an answer: a module that imports one is suspended meanwhile. */
  readonly suspends: readonly string[]
  /** Its guests can import functions of the embedding program; see `FUNCTIONS_MODULE`. */
  readonly takesFunctions: boolean
}
