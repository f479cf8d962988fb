import type { Command, Definition, Node, Operand, Pipe } from './ast.ts'
import { readChain } from './field.ts'
import type { TemplateFunction } from './functions/define.ts'
import { FUNCTIONS } from './functions/table.ts'
import type { Parsed } from './parser.ts'
import { printed } from './print.ts'
import { checkListLength, checkTextLength, type RunState } from './run-state.ts'
import { runError, syntaxError } from './template-error.ts'
import {
  asDict,
  GoFloat,
  isBytes,
  isList,
  isTrue,
  sortedKeys,
  typeOf,
  type Value,
} from './value.ts'

/** How a list of nodes ended: at its end, or by {{break}} or {{continue}}. */
type Ending = 0 | 1 | 2
const BREAK: Ending = 1
const CONTINUE: Ending = 2

type Run = (state: RunState, dot: Value) => Ending
type Evaluate = (state: RunState, dot: Value) => Value
/** `final` is the value from the command before, when there is one. */
type Call = (state: RunState, dot: Value, final: Value) => Value

interface Unit {
  run: Run
  readonly slots: number
}

/** A template as functions: nothing is looked up by name while it runs but fields of its data. */
export function compileParsed(parsed: Parsed): (state: RunState, dot: Value) => void {
  const units = new Map<string, Unit>()
  // Made first, so that templates can call each other in any order.
  for (const [name, { slots }] of parsed.definitions) units.set(name, { run: () => 0, slots })
  const compiler = new Compiler(units)
  for (const [name, definition] of parsed.definitions) {
    const unit = units.get(name)
    if (unit !== undefined) unit.run = compiler.list(definition.nodes)
  }
  const main = mainUnit(parsed.main, compiler)
  return (state, dot) => state.enter(main.slots, dot, () => void main.run(state, dot))
}

function mainUnit(definition: Definition, compiler: Compiler): Unit {
  return { run: compiler.list(definition.nodes), slots: definition.slots }
}

class Compiler {
  readonly #units: ReadonlyMap<string, Unit>

  constructor(units: ReadonlyMap<string, Unit>) {
    this.#units = units
  }

  list(nodes: readonly Node[]): Run {
    const runs = nodes.map((node) => this.#node(node))
    return (state, dot) => {
      for (let i = 0; i < runs.length; i++) {
        const ending = (runs[i] as Run)(state, dot)
        if (ending !== 0) return ending
      }
      return 0
    }
  }

  #node(node: Node): Run {
    switch (node.kind) {
      case 'text': {
        const { text } = node
        return (state) => {
          state.write(text)
          return 0
        }
      }
      case 'action':
        return this.#action(node.pipe)
      case 'if':
      case 'with':
        return this.#branch(node)
      case 'range':
        return this.#range(node)
      case 'template':
        return this.#template(node)
      case 'break':
        return () => BREAK
      case 'continue':
        return () => CONTINUE
    }
  }

  #action(pipe: Pipe): Run {
    const evaluate = this.#pipe(pipe)
    const isSilent = pipe.slots.length > 0
    return (state, dot) => {
      const value = evaluate(state, dot)
      if (!isSilent) state.write(printed(value))
      return 0
    }
  }

  #branch(node: Node & { kind: 'if' | 'with' }): Run {
    const evaluate = this.#pipe(node.pipe)
    const body = this.list(node.body)
    const orElse = this.list(node.orElse)
    const changesDot = node.kind === 'with'
    return (state, dot) => {
      const value = evaluate(state, dot)
      if (!isTrue(value)) return orElse(state, dot)
      return body(state, changesDot ? value : dot)
    }
  }

  #range(node: Node & { kind: 'range' }): Run {
    const evaluate = this.#pipe(node.pipe, false)
    const body = this.list(node.body)
    const orElse = this.list(node.orElse)
    const [first, second] = node.pipe.slots
    return (state, dot) => {
      const entries = entriesOf(evaluate(state, dot))
      if (entries.values.length === 0) return orElse(state, dot)
      for (let i = 0; i < entries.values.length; i++) {
        state.charge(1)
        const value = entries.values[i]
        const key = entries.keys === null ? BigInt(i) : entries.keys[i]
        if (second !== undefined) {
          state.frame[first as number] = key
          state.frame[second] = value
        } else if (first !== undefined) state.frame[first] = value
        if (body(state, value) === BREAK) break
      }
      return 0
    }
  }

  #template(node: Node & { kind: 'template' }): Run {
    const unit = this.#units.get(node.name)
    if (unit === undefined) throw syntaxError(node.line, `template "${node.name}" is not defined`)
    const evaluate = node.pipe === null ? null : this.#pipe(node.pipe)
    return (state, dot) => {
      const value = evaluate === null ? undefined : evaluate(state, dot)
      state.charge(1)
      state.enter(unit.slots, value, () => void unit.run(state, value))
      return 0
    }
  }

  /** With `assigns` false the variables are set by whoever asked: a range sets them at every turn. */
  #pipe(pipe: Pipe, assigns = true): Evaluate {
    const { line } = pipe
    const calls = pipe.commands.map((command, index) => this.#command(command, index > 0))
    const slot = assigns ? pipe.slots[0] : undefined
    return (state, dot) => {
      state.line = line
      state.charge(1)
      let value: Value
      for (let i = 0; i < calls.length; i++)
        value = (calls[i] as Call)(state, dot, value) ?? undefined
      if (slot !== undefined) state.frame[slot] = value
      return value
    }
  }

  #command(command: Command, hasFinal: boolean): Call {
    const [first, ...rest] = command.operands
    if (first === undefined) throw syntaxError(command.line, 'an empty command')
    const args = rest.map((operand) => this.#operand(operand, command.line))
    switch (first.kind) {
      case 'function':
        return this.#call(first.name, args, hasFinal, command.line)
      case 'field': {
        const { names } = first
        return withArguments(args, hasFinal, (_, dot, list) => readChain(dot, names, list))
      }
      case 'variable': {
        const { slot, names } = first
        if (names.length === 0) break
        return withArguments(args, hasFinal, (state, _, list) =>
          readChain(state.frame[slot], names, list),
        )
      }
      case 'chain': {
        const base = this.#operand(first.base, command.line)
        const { names } = first
        return withArguments(args, hasFinal, (state, dot, list) =>
          readChain(base(state, dot), names, list),
        )
      }
      case 'nil':
        throw syntaxError(command.line, 'nil is not a command')
      default:
    }
    if (args.length > 0 || hasFinal) {
      throw syntaxError(command.line, 'what is no function cannot be given arguments')
    }
    return this.#operand(first, command.line)
  }

  /** An operand by itself: an argument, or the only part of a command. */
  #operand(operand: Operand, line: number): Evaluate {
    switch (operand.kind) {
      case 'dot':
        return (_, dot) => dot
      case 'nil':
        return () => null
      case 'bool':
      case 'int':
      case 'string': {
        const { value } = operand
        return () => value
      }
      case 'float': {
        const value = new GoFloat(operand.value)
        return () => value
      }
      case 'field': {
        const { names } = operand
        return (_, dot) => readChain(dot, names)
      }
      case 'variable': {
        const { slot, names } = operand
        if (names.length === 0) return (state) => state.frame[slot]
        return (state) => readChain(state.frame[slot], names)
      }
      case 'function': {
        const call = this.#call(operand.name, [], false, line)
        return (state, dot) => call(state, dot, undefined)
      }
      case 'pipe':
        return this.#pipe(operand.pipe)
      case 'chain': {
        const base = this.#operand(operand.base, line)
        const { names } = operand
        return (state, dot) => readChain(base(state, dot), names)
      }
    }
  }

  #call(name: string, args: readonly Evaluate[], hasFinal: boolean, line: number): Call {
    const count = args.length + (hasFinal ? 1 : 0)
    if (name === 'and' || name === 'or') {
      if (count === 0) throw syntaxError(line, `${name} needs at least one argument`)
      return shortCircuit(args, hasFinal, name === 'or')
    }
    const found = FUNCTIONS.get(name)
    if (found === undefined) throw syntaxError(line, `there is no function "${name}"`)
    if (count < found.min || count > found.max) {
      throw syntaxError(line, `${name} takes ${arity(found)}, not ${count}`)
    }
    return withArguments(args, hasFinal, (state, _, list) => {
      charge(state, list)
      const value = invoke(name, found, list, state)
      if (typeof value === 'string') checkTextLength(value.length)
      else if (isList(value)) checkListLength(value.length)
      return value
    })
  }
}

function arity({ min, max }: TemplateFunction): string {
  const noun = (count: number): string => `${count} argument${count === 1 ? '' : 's'}`
  if (min === max) return noun(min)
  return max === Number.POSITIVE_INFINITY ? `at least ${noun(min)}` : `${min} to ${noun(max)}`
}

function invoke(
  name: string,
  found: TemplateFunction,
  list: readonly Value[],
  state: RunState,
): Value {
  try {
    return found.call(list, state)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'TEMPLATE_RUN')
      throw error
    const { reason } = (error as ReturnType<typeof runError>).params
    throw reason.startsWith('it takes more than') ? error : runError(`${name}: ${reason}`)
  }
}

/** Reading a long text takes as long as many small steps. */
function charge(state: RunState, list: readonly Value[]): void {
  let cost = 1
  for (let i = 0; i < list.length; i++) {
    const value = list[i]
    if (typeof value === 'string' || Array.isArray(value)) cost += value.length >> 5
  }
  state.charge(cost)
}

function withArguments(
  args: readonly Evaluate[],
  hasFinal: boolean,
  call: (state: RunState, dot: Value, list: readonly Value[]) => Value,
): Call {
  const count = args.length
  return (state, dot, final) => {
    const list = new Array<Value>(hasFinal ? count + 1 : count)
    for (let i = 0; i < count; i++) list[i] = (args[i] as Evaluate)(state, dot)
    if (hasFinal) list[count] = final
    return call(state, dot, list)
  }
}

/** `and` and `or` stop at the argument that decides. */
function shortCircuit(args: readonly Evaluate[], hasFinal: boolean, stopsAt: boolean): Call {
  return (state, dot, final) => {
    let value: Value
    for (let i = 0; i < args.length; i++) {
      value = (args[i] as Evaluate)(state, dot)
      if (isTrue(value) === stopsAt) return value
    }
    return hasFinal ? final : value
  }
}

/** What a range goes through. Keys null: they are 0, 1, 2, … */
function entriesOf(value: Value): {
  readonly keys: readonly Value[] | null
  readonly values: readonly Value[]
} {
  if (value === undefined || value === null) return { keys: null, values: [] }
  if (isList(value)) return { keys: null, values: value }
  if (isBytes(value)) return { keys: null, values: Array.from(value, BigInt) }
  if (typeof value === 'bigint') {
    checkListLength(Number(value))
    return {
      keys: null,
      values: Array.from({ length: Math.max(0, Number(value)) }, (_, i) => BigInt(i)),
    }
  }
  const dict = asDict(value)
  if (dict === null) throw runError(`range cannot go through a value of the type ${typeOf(value)}`)
  const keys = sortedKeys(dict)
  return { keys, values: keys.map((key) => dict[key]) }
}
