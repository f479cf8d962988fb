import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { type FuelPlan, PointKind } from './fuel-points.ts'
import { overLimit } from './module-error.ts'
import type { ModuleInfo } from './module-info.ts'
import { Op } from './opcodes.ts'

/** V8 refuses larger functions, after what is written in (kV8MaxWasmFunctionSize). */
const MAX_REWRITTEN_FUNCTION_BYTES = 7_654_321

/** Bytes of `memory.fill`, `copy` and `init` for one unit, as a shift: 8. */
const BYTES_SHIFT = 3
/** Units for one element of a bulk table instruction: filling with a function takes 65 ns each. */
const ELEMENT_COST = 128
/** Units for one page of 64 KiB: as much as filling it. */
const PAGE_COST = 65_536 >> BYTES_SHIFT
/** Units for one new element of a table. */
const TABLE_GROW_COST = 8

const EMPTY_BLOCK = 0x40
const LOCAL_I32 = 0x7f
const LOCAL_I64 = 0x7e

export interface RewrittenCode {
  /** The content of the new code section. */
  readonly content: Uint8Array
  /** Stretches of unchanged code: offsets in `content` and in the module as it arrived. */
  readonly rewritten: number[]
  readonly original: number[]
  /** Places where fuel is taken, and those of them that can trap. */
  readonly points: number
  readonly checks: number
}

/** Writes the planned points into all functions; `fuelGlobal` is the index of the new global. */
export function rewriteCode(info: ModuleInfo, plan: FuelPlan, fuelGlobal: number): RewrittenCode {
  const content = new ByteWriter(Math.ceil(info.bytes.length * 1.3) + 1024)
  const body = new ByteWriter(4096)
  const writer = new FuelWriter(body, fuelGlobal)
  const rewritten: number[] = []
  const original: number[] = []
  content.u32(info.bodies.length)
  for (const [i, { start, codeStart, end }] of info.bodies.entries()) {
    const from = plan.first[i] ?? 0
    const to = plan.first[i + 1] ?? from
    const firstEntry = rewritten.length
    body.clear()
    const needsCheck = plan.kinds.slice(from, to).some((kind) => kind !== PointKind.charge)
    const params = info.types[info.functions[info.imported.functions + i] ?? -1]?.params.length ?? 0
    const locals = params + (info.bodies[i]?.locals ?? 0)
    writeLocals(body, info, start, codeStart, needsCheck, plan.hasBulk[i] === true)
    writer.fuelLocal = locals
    writer.lengthLocal = locals + 1
    const stores = plan.stores.get(i)
    writer.enter(stores !== undefined)

    let at = codeStart
    let store = 0
    const copyTo = (offset: number): void => {
      body.copy(info.bytes, at, offset)
      at = offset
    }
    const mark = (offset: number): void => {
      rewritten.push(body.length)
      original.push(offset)
    }
    const storeBefore = (limit: number): void => {
      for (; stores !== undefined && (stores[store] ?? limit) < limit; store += 1) {
        copyTo(stores[store] ?? at)
        writer.store()
        mark(at)
      }
    }
    mark(at)
    for (let point = from; point < to; point += 1) {
      const cost = plan.costs[point] ?? 0
      if (cost === 0) continue
      const offset = plan.offsets[point] ?? at
      storeBefore(offset)
      copyTo(offset)
      writer.point(plan.kinds[point] ?? PointKind.check, cost)
      mark(offset)
    }
    storeBefore(end)
    copyTo(end)

    if (body.length > MAX_REWRITTEN_FUNCTION_BYTES) {
      throw overLimit(start, 'functionBytes', body.length, MAX_REWRITTEN_FUNCTION_BYTES)
    }
    content.u32(body.length)
    for (let entry = firstEntry; entry < rewritten.length; entry += 1) {
      rewritten[entry] = (rewritten[entry] ?? 0) + content.length
    }
    content.raw(body.view())
  }
  const { points, checks } = writer
  return { content: content.view(), rewritten, original, points, checks }
}

/** The groups of locals as they were, and up to two groups of ours behind them. */
function writeLocals(
  body: ByteWriter,
  info: ModuleInfo,
  start: number,
  codeStart: number,
  needsCheck: boolean,
  needsLength: boolean,
): void {
  const reader = new ByteReader(info.bytes, start, codeStart)
  const groups = reader.u32()
  body.u32(groups + (needsCheck ? 1 : 0) + (needsLength ? 1 : 0))
  body.copy(info.bytes, reader.pos, codeStart)
  if (needsCheck) {
    body.u32(1)
    body.u8(LOCAL_I64)
  }
  if (needsLength) {
    body.u32(1)
    body.u8(LOCAL_I32)
  }
}

/** Writes the instructions that take fuel. All of them leave the operand stack as it was. */
class FuelWriter {
  readonly #body: ByteWriter
  readonly #fuelGlobal: number
  /** The function keeps the fuel in the local, and has put it there. */
  #isCached = false
  #isLoaded = false
  fuelLocal = 0
  lengthLocal = 0
  points = 0
  checks = 0

  constructor(body: ByteWriter, fuelGlobal: number) {
    this.#body = body
    this.#fuelGlobal = fuelGlobal
  }

  /** Before the points of a function, the first of which is its entry. */
  enter(isCached: boolean): void {
    this.#isCached = isCached
    this.#isLoaded = false
  }

  /** From the local back to the global. */
  store(): void {
    this.#op(Op.localGet, this.fuelLocal)
    this.#op(Op.globalSet, this.#fuelGlobal)
  }

  point(kind: number, cost: number): void {
    this.points += 1
    switch (kind) {
      case PointKind.bytes:
        this.#takeLength(BYTES_SHIFT, Op.i64ShiftRight)
        break
      case PointKind.elements:
        this.#takeLength(ELEMENT_COST, Op.i64Multiply)
        break
      case PointKind.memoryGrow:
        this.#takeLength(PAGE_COST, Op.i64Multiply)
        break
      case PointKind.tableGrow:
        this.#takeLength(TABLE_GROW_COST, Op.i64Multiply)
        break
      default:
        this.#fuel()
        this.#const(cost)
        this.#body.u8(Op.i64Subtract)
        break
    }
    if (kind !== PointKind.charge) this.#check()
    else if (this.#isCached) this.#op(Op.localSet, this.fuelLocal)
    else this.#op(Op.globalSet, this.#fuelGlobal)
  }

  /** Puts the remaining fuel on the stack. */
  #fuel(): void {
    if (this.#isLoaded) this.#op(Op.localGet, this.fuelLocal)
    else this.#op(Op.globalGet, this.#fuelGlobal)
    this.#isLoaded = this.#isCached
  }

  /** Takes from it by the i32 on top of the stack, read as unsigned, which stays there. */
  #takeLength(factor: number, operation: number): void {
    this.#op(Op.localTee, this.lengthLocal)
    this.#fuel()
    this.#op(Op.localGet, this.lengthLocal)
    this.#body.u8(Op.i64ExtendI32)
    this.#const(factor)
    this.#body.u8(operation)
    this.#body.u8(Op.i64Subtract)
  }

  /** Stores the remaining fuel from the stack and traps when it is negative. */
  #check(): void {
    this.checks += 1
    const body = this.#body
    this.#op(Op.localTee, this.fuelLocal)
    if (!this.#isCached) {
      this.#op(Op.globalSet, this.#fuelGlobal)
      this.#op(Op.localGet, this.fuelLocal)
    }
    this.#const(0)
    body.u8(Op.i64LessThan)
    body.u8(Op.if)
    body.u8(EMPTY_BLOCK)
    if (this.#isCached) this.store()
    body.u8(Op.unreachable)
    body.u8(Op.end)
  }

  #op(opcode: number, index: number): void {
    this.#body.u8(opcode)
    this.#body.u32(index)
  }

  #const(value: number): void {
    this.#body.u8(Op.i64Const)
    this.#body.signed(value)
  }
}
