/** The tree of a template. Lines count from 1 in its text; variables are slots of a frame. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly line: number; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with'
      readonly line: number
      readonly pipe: Pipe
      readonly body: readonly Node[]
      readonly orElse: readonly Node[]
    }
  | {
      readonly kind: 'range'
      readonly line: number
      readonly pipe: Pipe
      readonly body: readonly Node[]
      readonly orElse: readonly Node[]
    }
  | {
      readonly kind: 'template'
      readonly line: number
      readonly name: string
      readonly pipe: Pipe | null
    }
  | { readonly kind: 'break' | 'continue'; readonly line: number }

/** Commands whose results go from one to the next, and the variables that take the last one. */
export interface Pipe {
  readonly line: number
  /** One slot, or two in a range. */
  readonly slots: readonly number[]
  readonly commands: readonly Command[]
}

export interface Command {
  readonly line: number
  /** What is called or read, then the arguments. */
  readonly operands: readonly Operand[]
}

export type Operand =
  | { readonly kind: 'dot' }
  | { readonly kind: 'nil' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'field'; readonly names: readonly string[] }
  | { readonly kind: 'variable'; readonly slot: number; readonly names: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
  | { readonly kind: 'chain'; readonly base: Operand; readonly names: readonly string[] }

/** One named template: its nodes and how many variables it has. Slot 0 is `$`. */
export interface Definition {
  readonly name: string
  readonly nodes: readonly Node[]
  readonly slots: number
}
