import {
  type FunctionLike,
  type Identifier,
  isNode,
  type SyntaxApi,
  type SyntaxNode,
} from './syntax.ts'

/** A use of what belongs to a function around. */
export interface Capture {
  readonly node: SyntaxNode
  readonly name: string
}

/**
 * Functions in functions that use a variable, a parameter or `this` of the function around them. What the
 * file declares itself, in `fileNames`, does not count: it can be reached from everywhere.
 */
export function findCaptures(
  api: SyntaxApi,
  statement: SyntaxNode,
  fileNames: ReadonlySet<string>,
): Capture[] {
  const found: Capture[] = []
  const scan = new ClosureScan(api, fileNames, found)
  scan.visit(statement)
  return found
}

class ClosureScan {
  readonly #api: SyntaxApi
  readonly #fileNames: ReadonlySet<string>
  readonly #found: Capture[]
  /** Names of the functions around, the outermost first. */
  readonly #scopes: Set<string>[] = []

  constructor(api: SyntaxApi, fileNames: ReadonlySet<string>, found: Capture[]) {
    this.#api = api
    this.#fileNames = fileNames
    this.#found = found
  }

  visit(node: SyntaxNode): void {
    const { NodeKind } = this.#api
    switch (node.kind) {
      case NodeKind['FunctionDeclaration']:
      case NodeKind['MethodDeclaration']:
        this.#enter(node as FunctionLike)
        return
      case NodeKind['Identifier']:
        this.#use(node, (node as Identifier).text)
        return
      case NodeKind['This']:
        // A method's own "this" is no capture: only a function within it has a scope around.
        if (this.#scopes.length > 1) this.#found.push({ node, name: 'this' })
        return
      default:
        for (const child of this.#expressionsOf(node)) this.visit(child)
    }
  }

  #enter(node: FunctionLike): void {
    const names = new Set<string>()
    for (const { name } of node.signature.parameters) names.add(name.text)
    if (node.body !== null) this.#declare(node.body, names)
    this.#scopes.push(names)
    for (const { initializer } of node.signature.parameters) {
      if (initializer !== null) this.visit(initializer)
    }
    if (node.body !== null) this.visit(node.body)
    this.#scopes.pop()
  }

  #use(node: SyntaxNode, name: string): void {
    const last = this.#scopes.length - 1
    if (this.#fileNames.has(name) || this.#scopes[last]?.has(name) === true) return
    for (let i = last - 1; i >= 0; i--) {
      if (this.#scopes[i]?.has(name) !== true) continue
      this.#found.push({ node, name })
      return
    }
  }

  /** Every name that is declared below `node`, functions within it left out. */
  #declare(node: SyntaxNode, names: Set<string>): void {
    const { NodeKind } = this.#api
    if (node.kind === NodeKind['FunctionDeclaration']) {
      names.add((node as FunctionLike).name.text)
      return
    }
    if (node.kind === NodeKind['VariableDeclaration']) names.add((node as FunctionLike).name.text)
    for (const child of childrenOf(node)) this.#declare(child, names)
  }

  /** The children that are run: neither names of members and declarations, nor types. */
  #expressionsOf(node: SyntaxNode): SyntaxNode[] {
    const { NodeKind } = this.#api
    const passedOver = new Set([
      'name',
      'property',
      'toType',
      'type',
      'typeArguments',
      'label',
      'names',
    ])
    const isExpression = (child: SyntaxNode): boolean =>
      child.kind !== NodeKind['NamedType'] && child.kind !== NodeKind['FunctionType']
    return childrenOf(node, passedOver).filter(isExpression)
  }
}

function childrenOf(node: SyntaxNode, passedOver: ReadonlySet<string> = new Set()): SyntaxNode[] {
  return Object.entries(node).flatMap(([key, value]) => {
    if (key === 'range' || passedOver.has(key)) return []
    return (Array.isArray(value) ? value : [value]).filter(isNode)
  })
}
