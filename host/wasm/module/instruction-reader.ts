import { ByteReader } from './byte-reader.ts'
import { checkIndex, readNullType } from './constant-expression.ts'
import { overLimit, unsupported } from './module-error.ts'
import type { FunctionBody, ModuleInfo } from './module-info.ts'
import { IMMEDIATES, Immediate, Misc, Op, SIMD_IMMEDIATES, SimdImmediate } from './opcodes.ts'
import { readValueType, valueTypeOf } from './value-type.ts'

/**
 * Steps through the instructions of one function after the other. It knows every instruction the
 * host allows and refuses every other, by the proposal's name where there is one. Every index is
 * checked against the module as it arrived: what the gate adds behind the last index (the fuel
 * global above all) must stay out of the guest's reach.
 */
export class InstructionReader {
  readonly reader: ByteReader
  readonly #info: ModuleInfo
  #locals = 0

  /** Of the instruction read last. */
  opcode = 0
  /** The part after 0xfc, else 0. */
  misc = 0
  /** Where the instruction starts. */
  offset = 0
  /** The label of a branch, the function of a call or reference, else 0. */
  index = 0
  /** Of `br_table`: the label that leads out farthest; the nearest is not needed. */
  farthest = 0
  readonly features = new Set<string>()

  constructor(info: ModuleInfo) {
    this.#info = info
    this.reader = new ByteReader(info.bytes)
  }

  /** Moves to the first instruction of a function; `index` counts imports too. */
  enter(body: FunctionBody, index: number): void {
    const type = this.#info.types[this.#info.functions[index] ?? -1]
    this.#locals = body.locals + (type?.params.length ?? 0)
    this.reader.pos = body.codeStart
    this.reader.end = body.end
    this.reader.place = `function ${index}`
  }

  get isAtEnd(): boolean {
    return this.reader.pos === this.reader.end
  }

  /** Reads one instruction with all that belongs to it. */
  next(): void {
    const { reader } = this
    const info = this.#info
    this.offset = reader.pos
    this.misc = 0
    const opcode = reader.u8()
    this.opcode = opcode
    switch (IMMEDIATES[opcode]) {
      case Immediate.none:
        if (opcode >= 0xc0 && opcode <= 0xc4) this.features.add('sign extension')
        return
      case Immediate.local:
        checkIndex(reader, this.#locals, 'local')
        return
      case Immediate.i32:
        reader.s32()
        return
      case Immediate.memoryAccess:
        this.#memoryAccess()
        return
      case Immediate.block:
        this.#blockType()
        return
      case Immediate.label:
        this.index = reader.u32()
        return
      case Immediate.labels:
        this.#labels()
        return
      case Immediate.functionIndex:
        this.index = checkIndex(reader, info.functions.length, 'function')
        if (opcode === Op.returnCall) this.features.add('tail calls')
        if (opcode === Op.refFunc) this.features.add('reference types')
        return
      case Immediate.typeAndTable:
        checkIndex(reader, info.types.length, 'type')
        checkIndex(reader, info.tables.length, 'table')
        if (opcode === Op.returnCallIndirect) this.features.add('tail calls')
        return
      case Immediate.global:
        checkIndex(reader, info.globals.length, 'global')
        return
      case Immediate.table:
        checkIndex(reader, info.tables.length, 'table')
        this.features.add('reference types')
        return
      case Immediate.memoryIndex:
        this.#memoryIndex()
        return
      case Immediate.i64:
        reader.skipS64()
        return
      case Immediate.f32:
        reader.skip(4)
        return
      case Immediate.f64:
        reader.skip(8)
        return
      case Immediate.valueTypes:
        this.#selectTypes()
        return
      case Immediate.nullType:
        readNullType(reader)
        this.features.add('reference types')
        return
      case Immediate.misc:
        this.#readMisc()
        return
      case Immediate.simd:
        this.#readSimd()
        return
      case Immediate.exceptions:
        throw unsupported(this.offset, 'exception handling')
      case Immediate.functionReferences:
        throw unsupported(this.offset, 'typed function references')
      case Immediate.garbageCollection:
        throw unsupported(this.offset, 'garbage collection')
      case Immediate.threads:
        throw unsupported(this.offset, 'threads')
      case Immediate.stackSwitching:
        throw unsupported(this.offset, 'stack switching')
      default:
        throw reader.fail(`0x${opcode.toString(16)} is no instruction`, this.offset)
    }
  }

  #blockType(): void {
    const { reader } = this
    const byte = reader.peek()
    // 0x40 is "no values"; one byte is enough for a value type, anything else is a type index.
    if (byte === 0x40 || valueTypeOf(byte) !== undefined) {
      reader.pos += 1
      return
    }
    const at = reader.pos
    const index = reader.s33()
    if (index < 0) {
      reader.pos = at
      readValueType(reader)
      throw reader.fail('this is no block type', at)
    }
    if (index >= this.#info.types.length) throw reader.fail(`there is no type ${index}`, at)
    this.features.add('multi-value')
  }

  #labels(): void {
    const { reader } = this
    const { switchTargets } = this.#info.limits
    const count = reader.count('switchTargets', switchTargets)
    let farthest = 0
    for (let i = 0; i <= count; i += 1) {
      const label = reader.u32()
      if (label > farthest) farthest = label
    }
    this.farthest = farthest
  }

  #memoryAccess(): void {
    const { reader } = this
    const at = reader.pos
    const align = reader.u32()
    if (align >= 64) throw unsupported(at, 'multiple memories')
    reader.u32()
    if (this.#info.memories.length === 0) throw reader.fail('there is no memory 0', at)
  }

  #memoryIndex(): void {
    const at = this.reader.pos
    if (this.reader.u8() !== 0) throw unsupported(at, 'multiple memories')
    if (this.#info.memories.length === 0) throw this.reader.fail('there is no memory 0', at)
  }

  #selectTypes(): void {
    const at = this.reader.pos
    if (this.reader.u32() !== 1) throw this.reader.fail('a select has one type', at)
    readValueType(this.reader)
  }

  #readMisc(): void {
    const { reader } = this
    const info = this.#info
    this.misc = reader.u32()
    switch (this.misc) {
      case Misc.memoryInit:
        checkIndex(reader, info.dataCount ?? 0, 'data segment')
        this.#memoryIndex()
        break
      case Misc.dataDrop:
        checkIndex(reader, info.dataCount ?? 0, 'data segment')
        break
      case Misc.memoryCopy:
        this.#memoryIndex()
        this.#memoryIndex()
        break
      case Misc.memoryFill:
        this.#memoryIndex()
        break
      case Misc.tableInit:
        checkIndex(reader, info.elementSegments, 'element segment')
        checkIndex(reader, info.tables.length, 'table')
        break
      case Misc.elementDrop:
        checkIndex(reader, info.elementSegments, 'element segment')
        break
      case Misc.tableCopy:
        checkIndex(reader, info.tables.length, 'table')
        checkIndex(reader, info.tables.length, 'table')
        break
      case Misc.tableGrow:
      case Misc.tableSize:
      case Misc.tableFill:
        checkIndex(reader, info.tables.length, 'table')
        this.features.add('reference types')
        return
      default:
        if (this.misc >= 8) throw reader.fail(`0xfc ${this.misc} is no instruction`, this.offset)
        this.features.add('saturating conversions')
        return
    }
    this.features.add('bulk memory')
  }

  #readSimd(): void {
    const { reader } = this
    const code = reader.u32()
    if (code >= 0x100 && code <= 0x1ff) throw unsupported(this.offset, 'relaxed SIMD')
    this.features.add('SIMD')
    switch (SIMD_IMMEDIATES[code]) {
      case SimdImmediate.none:
        return
      case SimdImmediate.memory:
        this.#memoryAccess()
        return
      case SimdImmediate.memoryLane:
        this.#memoryAccess()
        reader.u8()
        return
      case SimdImmediate.lane:
        reader.u8()
        return
      case SimdImmediate.bytes16:
        reader.skip(16)
        return
      default:
        throw reader.fail(`0xfd ${code} is no instruction`, this.offset)
    }
  }
}

/** The cap on blocks inside blocks, checked by whoever keeps the stack of blocks. */
export function checkNesting(info: ModuleInfo, depth: number, offset: number): void {
  if (depth > info.limits.nesting) throw overLimit(offset, 'nesting', depth, info.limits.nesting)
}
