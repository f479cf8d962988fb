import { BlockStack } from './block-stack.ts'
import { type FuelPlan, PointKind } from './fuel-points.ts'
import { settleFuel, type UnsettledPlan } from './fuel-settlement.ts'
import { checkNesting, InstructionReader } from './instruction-reader.ts'
import type { ModuleInfo } from './module-info.ts'
import { COSTS, Misc, Op } from './opcodes.ts'

/** Units for starting a bulk instruction, and for asking the engine to make something larger. */
const BULK_BASE_COST = 10
const GROW_BASE_COST = 1_000

/** A function without calls of at most this cost is left to the checks of whoever calls it. */
const MAX_UNCHECKED_COST = 100

/** Walks all code of a module once, checks every instruction, and plans where fuel is taken. */
export function planFuel(info: ModuleInfo): FuelPlan {
  const planner = new Planner(info)
  for (let i = 0; i < info.bodies.length; i += 1) planner.walk(i)
  planner.first.push(planner.offsets.length)
  settleFuel(planner, info.imported.functions)
  return planner
}

class Planner implements UnsettledPlan {
  readonly offsets: number[] = []
  readonly kinds: number[] = []
  readonly costs: number[] = []
  readonly parents: number[] = []
  readonly first: number[] = []
  readonly hasBulk: boolean[] = []
  readonly stores = new Map<number, number[]>()
  changesTables = false
  dropsSegments = false

  readonly #info: ModuleInfo
  readonly #code: InstructionReader
  readonly #frames = new BlockStack()
  readonly callPoints: number[] = []
  readonly callTargets: number[] = []
  readonly leafCosts: number[] = []
  readonly referenced: Set<number>

  /** Where the function that is walked may end. */
  #ends: number[] = []
  /** The point that pays for what comes next. */
  #point = 0
  /** No path leads here. */
  #isDead = false

  constructor(info: ModuleInfo) {
    this.#info = info
    this.#code = new InstructionReader(info)
    this.referenced = new Set(info.referenced)
  }

  get features(): ReadonlySet<string> {
    return this.#code.features
  }

  walk(body: number): void {
    const code = this.#code
    const frames = this.#frames
    const where = this.#info.bodies[body]
    if (where === undefined) return
    const firstPoint = this.offsets.length
    this.first.push(firstPoint)
    code.enter(where, body + this.#info.imported.functions)
    this.#isDead = false
    this.#ends = []
    this.#point = this.#add(where.codeStart, PointKind.check, -1)
    frames.push(Op.block, this.#point, false)
    let hasCall = false
    let hasLoop = false
    let hasBulk = false

    while (frames.kinds.length > 0) {
      code.next()
      const { opcode } = code
      if (!this.#isDead)
        this.costs[this.#point] = (this.costs[this.#point] ?? 0) + (COSTS[opcode] ?? 1)
      switch (opcode) {
        case Op.loop:
          hasLoop = true
          this.#open(opcode)
          this.#point = this.#add(code.reader.pos, PointKind.check, this.#point)
          this.costs[this.#point] = 1
          break
        case Op.block:
        case Op.if:
          this.#open(opcode)
          if (opcode === Op.if) this.#branchPoint(this.#point)
          break
        case Op.else:
          this.#else()
          break
        case Op.end:
          this.#end()
          break
        case Op.br:
          this.#branch(code.index)
          this.#isDead = true
          break
        case Op.brIf:
          this.#branch(code.index)
          this.#branchPoint(this.#point)
          break
        case Op.brTable:
          this.#branch(code.farthest)
          this.#isDead = true
          break
        case Op.return:
        case Op.returnCall:
        case Op.returnCallIndirect:
          if (opcode === Op.returnCall) this.#call(code.index)
          hasCall ||= opcode !== Op.return
          this.#branch(frames.kinds.length - 1)
          this.#isDead = true
          break
        case Op.unreachable:
          this.#isDead = true
          break
        case Op.call:
          this.#call(code.index)
          hasCall = true
          break
        case Op.callIndirect:
          hasCall = true
          break
        case Op.refFunc:
          this.referenced.add(code.index)
          break
        case Op.tableSet:
          this.changesTables = true
          break
        case Op.memoryGrow:
          hasBulk = true
          this.#bulk(PointKind.memoryGrow, GROW_BASE_COST)
          break
        case Op.misc:
          if (code.misc >= Misc.memoryInit) hasBulk = this.#misc() || hasBulk
          break
        default:
          break
      }
    }
    if (!code.isAtEnd) throw code.reader.fail('there is code after the last end')
    const total = this.#sum(firstPoint)
    // At least one unit for an entry: functions that only tail-call each other must run dry too.
    if (hasCall) this.costs[firstPoint] = (this.costs[firstPoint] ?? 0) + 1
    else if (total <= MAX_UNCHECKED_COST) this.kinds[firstPoint] = PointKind.charge
    if (hasLoop && !hasCall) {
      this.stores.set(body, this.#ends)
      // The entry loads the local.
      this.kinds[firstPoint] = PointKind.check
      this.costs[firstPoint] ||= 1
    }
    this.hasBulk.push(hasBulk)
    this.leafCosts.push(hasCall || hasLoop || hasBulk ? -1 : total)
  }

  #add(offset: number, kind: number, parent: number): number {
    this.offsets.push(offset)
    this.kinds.push(kind)
    this.costs.push(0)
    this.parents.push(parent)
    return this.offsets.length - 1
  }

  /** From here on another point pays, because this place is not reached every time `parent` is. */
  #branchPoint(parent: number): void {
    if (!this.#isDead) this.#point = this.#add(this.#code.reader.pos, PointKind.charge, parent)
  }

  #open(kind: number): void {
    this.#frames.push(kind, this.#point, this.#isDead)
    checkNesting(this.#info, this.#frames.kinds.length - 1, this.#code.offset)
  }

  #else(): void {
    const frames = this.#frames
    const top = frames.kinds.length - 1
    if (frames.kinds[top] !== Op.if) throw this.#code.reader.fail('else without if')
    frames.kinds[top] = Op.else
    this.#isDead = frames.wereDead[top] === true
    this.#branchPoint(frames.points[top] ?? 0)
  }

  #end(): void {
    const frames = this.#frames
    const top = frames.kinds.length - 1
    const point = frames.points[top] ?? 0
    const outermost = frames.escapes[top] ?? 0
    this.#isDead = frames.wereDead[top] === true
    frames.pop()
    if (top === 0) {
      this.#noteEnd()
      return
    }
    this.#point = point
    if (outermost >= top) return
    if (outermost < (frames.escapes[top - 1] ?? 0)) frames.escapes[top - 1] = outermost
    this.#branchPoint(point)
  }

  #branch(label: number): void {
    const frames = this.#frames
    const top = frames.kinds.length - 1
    const target = top - label
    if (target < 0) throw this.#code.reader.fail(`there is no label ${label}`, this.#code.offset)
    if (target === 0) this.#noteEnd()
    if (!this.#isDead && target < (frames.escapes[top] ?? 0)) frames.escapes[top] = target
  }

  /** The function may end with the instruction read last. */
  #noteEnd(): void {
    if (!this.#isDead) this.#ends.push(this.#code.offset)
  }

  #call(target: number): void {
    if (this.#isDead) return
    this.callPoints.push(this.#point)
    this.callTargets.push(target)
  }

  /** Puts a charge by length before the instruction read last. */
  #bulk(kind: number, base: number): void {
    if (this.#isDead) return
    this.costs[this.#point] = (this.costs[this.#point] ?? 0) + base
    const after = this.#add(this.#code.offset, kind, this.#point)
    this.costs[after] = 1
  }

  /** Returns whether the instruction is charged by length. */
  #misc(): boolean {
    switch (this.#code.misc) {
      case Misc.memoryInit:
      case Misc.memoryCopy:
      case Misc.memoryFill:
        this.#bulk(PointKind.bytes, BULK_BASE_COST)
        return true
      case Misc.tableInit:
      case Misc.tableCopy:
      case Misc.tableFill:
        this.changesTables = true
        this.#bulk(PointKind.elements, BULK_BASE_COST)
        return true
      case Misc.tableGrow:
        this.changesTables = true
        this.#bulk(PointKind.tableGrow, GROW_BASE_COST)
        return true
      case Misc.dataDrop:
      case Misc.elementDrop:
        this.dropsSegments = true
        return false
      default:
        return false
    }
  }

  #sum(from: number): number {
    let sum = 0
    for (let point = from; point < this.costs.length; point += 1) sum += this.costs[point] ?? 0
    return sum
  }
}
