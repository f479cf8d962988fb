import type { Request } from '../exchange/request.ts'
import type { IpFilter } from './ip-filter.ts'
import { type PathParams, paramOf } from './path-params.ts'
import { type PatternPart, paramNames, parsePattern } from './path-pattern.ts'
import {
  type HostMatcher,
  hostWithoutPort,
  Mismatches,
  matchesHost,
  type Route,
  type RouteResult,
  type Router,
  type Rule,
} from './router.ts'

/**
 * The radix tree router: the path of a route is a pattern, and what is more exact is tried first, whatever
 * its order in the configuration: text before `{name:expression}` before `{name}` before `*`.
 *
 *     /users/          ┬─ me
 *                      ├─ {id:[0-9]+} ── /files/ ── *
 *                      └─ {name}
 *
 * Finding a route takes time with the length of the path, not with the number of routes.
 */
export class RadixRouter implements Router {
  readonly #rules: readonly RadixRule[]
  readonly #needsHost: boolean
  readonly #mismatches = new Mismatches()

  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map(({ hosts, ipFilter, routes }) => {
      const root = new Node()
      for (const route of routes) root.insert(route)
      return { hosts, ipFilter, root }
    })
    this.#needsHost = rules.some((rule) => rule.hosts.length > 0)
  }

  get isStable(): boolean {
    return this.#mismatches.isStable
  }

  route(request: Request): RouteResult {
    const mismatches = this.#mismatches
    mismatches.reset()
    const host = this.#needsHost ? hostWithoutPort(request.host) : ''
    for (const { hosts, ipFilter, root } of this.#rules) {
      if (hosts.length > 0 && !matchesHost(hosts, host)) continue
      if (!mismatches.passesIp(ipFilter, request)) continue
      const values: string[] = []
      const leaf = root.find(request.decodedPath, 0, values, request, mismatches)
      if (leaf !== null) return matchOf(leaf, values)
    }
    return mismatches.failure
  }
}

interface RadixRule {
  readonly hosts: readonly HostMatcher[]
  readonly ipFilter: IpFilter | null
  readonly root: Node
}

/** A route at the end of its pattern. */
interface Leaf {
  readonly route: Route
  readonly names: readonly string[]
  readonly target: readonly PatternPart[]
}

type Param = PatternPart & { kind: 'param' }

/** What may follow at a place of a path. */
class Node {
  /** Text that follows, by its first character; no two begin with the same. */
  readonly #texts = new Map<string, { text: string; node: Node }>()
  /** Those with an expression first. */
  readonly #params: { readonly part: Param; readonly node: Node }[] = []
  #wildcard: Leaf[] = []
  readonly #leaves: Leaf[] = []

  /** Adds a route by the pattern of its path; a route without a path takes every path. */
  insert(route: Route): void {
    const pattern = route.path === '' ? '/*' : route.path
    const parts = parsePattern(pattern)
    const target = parsePattern(route.rewriteTarget)
    // The spec has been checked: both can be read.
    if (typeof parts === 'string' || typeof target === 'string') return
    const leaf = { route, names: paramNames(parts), target }
    let node: Node = this
    for (const part of parts) {
      if (part.kind === 'wildcard') {
        node.#wildcard.push(leaf)
        return
      }
      node = part.kind === 'static' ? node.#text(part.text) : node.#param(part)
    }
    node.#leaves.push(leaf)
  }

  /** The first route at this place of the path or below that takes the request. */
  find(
    path: string,
    at: number,
    values: string[],
    request: Request,
    mismatches: Mismatches,
  ): Leaf | null {
    if (at === path.length) {
      const leaf = firstOf(this.#leaves, request, mismatches)
      if (leaf !== null) return leaf
    } else {
      const edge = this.#texts.get(path[at] ?? '')
      if (edge !== undefined && path.startsWith(edge.text, at)) {
        const end = at + edge.text.length
        const leaf = edge.node.find(path, end, values, request, mismatches)
        if (leaf !== null) return leaf
      }
      for (const { part, node } of this.#params) {
        const end = endOf(part, path, at)
        if (end < 0) continue
        const count = values.length
        values.push(path.slice(at, end))
        const leaf = node.find(path, end, values, request, mismatches)
        if (leaf !== null) return leaf
        values.length = count
      }
    }
    const leaf = firstOf(this.#wildcard, request, mismatches)
    if (leaf !== null) values.push(path.slice(at))
    return leaf
  }

  #text(text: string): Node {
    const first = text[0] ?? ''
    const edge = this.#texts.get(first)
    if (edge === undefined) {
      const node = new Node()
      this.#texts.set(first, { text, node })
      return node
    }
    const common = commonLength(text, edge.text)
    if (common < edge.text.length) {
      // The edge is split where the two part.
      const middle = new Node()
      const rest = edge.text.slice(common)
      middle.#texts.set(rest[0] ?? '', { text: rest, node: edge.node })
      edge.text = edge.text.slice(0, common)
      edge.node = middle
    }
    return common === text.length ? edge.node : edge.node.#text(text.slice(common))
  }

  #param(part: Param): Node {
    const known = this.#params.find(
      (one) => one.part.source === part.source && one.part.tail === part.tail,
    )
    if (known !== undefined) return known.node
    const node = new Node()
    this.#params.push({ part, node })
    // One that ends at a sign of its own is more exact than one that ends at the slash.
    const rank = (one: { readonly part: Param }): number =>
      (one.part.regexp === null ? 2 : 0) + (one.part.tail === '/' ? 1 : 0)
    this.#params.sort((a, b) => rank(a) - rank(b))
    return node
  }
}

/** Where a parameter that begins here ends; -1 when it does not fit. */
function endOf(part: Param, path: string, at: number): number {
  const tail = path.indexOf(part.tail, at)
  if (tail < 0 && part.tail !== '/') return -1
  const end = tail < 0 ? path.length : tail
  const text = path.slice(at, end)
  if (text === '' || text.includes('/')) return -1
  return part.regexp === null || part.regexp.test(text) ? end : -1
}

function firstOf(leaves: readonly Leaf[], request: Request, mismatches: Mismatches): Leaf | null {
  for (const leaf of leaves) if (mismatches.passes(leaf.route, request)) return leaf
  return null
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

function matchOf({ route, names, target }: Leaf, values: readonly string[]): RouteResult {
  const params: PathParams = { names, values }
  return {
    route,
    params,
    rewrite: () => (target.length === 0 ? null : fill(target, params)),
  }
}

function fill(target: readonly PatternPart[], params: PathParams): string {
  let path = ''
  for (const part of target) {
    if (part.kind === 'static') path += part.text
    else if (part.kind === 'param') path += paramOf(params, part.name) ?? ''
  }
  return path
}
