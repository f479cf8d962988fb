import type { Node, Operand, Pipe } from './ast.ts'
import type { Parsed } from './parser.ts'

/** Whose bodies a template may read: they must be there, as a whole, before it runs. */
export interface TemplateReads {
  /** Namespaces; null stands for all of them. */
  readonly requestBodies: ReadonlySet<string> | null
  readonly responseBodies: ReadonlySet<string> | null
}

/** The fields and methods of a message that need its body. */
export const BODY_FIELDS: ReadonlySet<string> = new Set([
  'Body',
  'FormValue',
  'JSONBody',
  'PostFormValue',
  'RawBody',
  'YAMLBody',
])

/**
 * Finds out by reading the template, so that a template that looks at headers only lets bodies stream.
 * `.requests.a.Body` is one body; a body of something that cannot be told, as in a range, is all of them.
 */
export function readsOf(parsed: Parsed): TemplateReads {
  const reads = new Reads()
  reads.nodes(parsed.main.nodes)
  for (const { nodes } of parsed.definitions.values()) reads.nodes(nodes)
  return {
    requestBodies: reads.isAll ? null : reads.requests,
    responseBodies: reads.isAll ? null : reads.responses,
  }
}

class Reads {
  readonly requests = new Set<string>()
  readonly responses = new Set<string>()
  isAll = false

  nodes(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if ('pipe' in node && node.pipe !== null) this.#pipe(node.pipe)
      if ('body' in node) {
        this.nodes(node.body)
        this.nodes(node.orElse)
      }
    }
  }

  #pipe(pipe: Pipe): void {
    for (const command of pipe.commands) {
      for (const operand of command.operands) this.#operand(operand)
    }
  }

  #operand(operand: Operand): void {
    switch (operand.kind) {
      case 'pipe':
        this.#pipe(operand.pipe)
        break
      case 'chain':
        this.#operand(operand.base)
        if (operand.names.some((name) => BODY_FIELDS.has(name))) this.isAll = true
        break
      case 'field':
        this.#names(operand.names, true)
        break
      case 'variable':
        this.#names(operand.names, operand.slot === 0)
        break
      default:
    }
  }

  #names(names: readonly string[], isRoot: boolean): void {
    const index = names.findIndex((name) => BODY_FIELDS.has(name))
    if (index < 0) return
    const [first, second] = names
    if (isRoot && index === 1 && first === 'req') this.requests.add(DEFAULT)
    else if (isRoot && index === 1 && first === 'resp') this.responses.add(DEFAULT)
    else if (isRoot && index === 2 && first === 'requests') this.requests.add(second ?? '')
    else if (isRoot && index === 2 && first === 'responses') this.responses.add(second ?? '')
    else this.isAll = true
  }
}

const DEFAULT = 'DEFAULT'
