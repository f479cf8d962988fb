/** What follows an opcode of one byte, or why it is refused. */
export const Immediate = {
  unknown: 0,
  none: 1,
  block: 2,
  label: 3,
  labels: 4,
  functionIndex: 5,
  typeAndTable: 6,
  local: 7,
  global: 8,
  table: 9,
  memoryAccess: 10,
  memoryIndex: 11,
  i32: 12,
  i64: 13,
  f32: 14,
  f64: 15,
  valueTypes: 16,
  nullType: 17,
  misc: 18,
  simd: 19,
  exceptions: 20,
  functionReferences: 21,
  garbageCollection: 22,
  threads: 23,
  stackSwitching: 24,
} as const

/** The opcodes the rewriter treats by name. */
export const Op = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableSet: 0x26,
  memoryGrow: 0x40,
  i64Const: 0x42,
  i64LessThan: 0x53,
  i64Subtract: 0x7d,
  i64Multiply: 0x7e,
  i64ShiftRight: 0x88,
  i64ExtendI32: 0xad,
  refFunc: 0xd2,
  misc: 0xfc,
  simd: 0xfd,
} as const

/** Second part of an opcode that starts with 0xfc. */
export const Misc = {
  memoryInit: 8,
  dataDrop: 9,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  elementDrop: 13,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const

/** What follows a SIMD opcode: 0 means the opcode does not exist. */
export const SimdImmediate = { unknown: 0, none: 1, memory: 2, memoryLane: 3, lane: 4, bytes16: 5 }

type Range = readonly [from: number, to: number, value: number]

/** Filled from ranges, so that what is not listed is refused. */
function table(ranges: readonly Range[], fallback: number): Uint8Array {
  const values = new Uint8Array(256).fill(fallback)
  for (const [from, to, value] of ranges) values.fill(value, from, to + 1)
  return values
}

/** How to read what follows each opcode. Source: core specification, 5.4. */
export const IMMEDIATES: Uint8Array = table(
  [
    [0x00, 0x01, Immediate.none],
    [0x02, 0x04, Immediate.block],
    [0x05, 0x05, Immediate.none],
    [0x06, 0x0a, Immediate.exceptions],
    [0x0b, 0x0b, Immediate.none],
    [0x0c, 0x0d, Immediate.label],
    [0x0e, 0x0e, Immediate.labels],
    [0x0f, 0x0f, Immediate.none],
    [0x10, 0x10, Immediate.functionIndex],
    [0x11, 0x11, Immediate.typeAndTable],
    [0x12, 0x12, Immediate.functionIndex],
    [0x13, 0x13, Immediate.typeAndTable],
    [0x14, 0x15, Immediate.functionReferences],
    [0x18, 0x19, Immediate.exceptions],
    [0x1a, 0x1b, Immediate.none],
    [0x1c, 0x1c, Immediate.valueTypes],
    [0x1f, 0x1f, Immediate.exceptions],
    [0x20, 0x22, Immediate.local],
    [0x23, 0x24, Immediate.global],
    [0x25, 0x26, Immediate.table],
    [0x28, 0x3e, Immediate.memoryAccess],
    [0x3f, 0x40, Immediate.memoryIndex],
    [0x41, 0x41, Immediate.i32],
    [0x42, 0x42, Immediate.i64],
    [0x43, 0x43, Immediate.f32],
    [0x44, 0x44, Immediate.f64],
    [0x45, 0xc4, Immediate.none],
    [0xd0, 0xd0, Immediate.nullType],
    [0xd1, 0xd1, Immediate.none],
    [0xd2, 0xd2, Immediate.functionIndex],
    [0xd3, 0xd3, Immediate.garbageCollection],
    [0xd4, 0xd6, Immediate.functionReferences],
    [0xe0, 0xe6, Immediate.stackSwitching],
    [0xfb, 0xfb, Immediate.garbageCollection],
    [0xfc, 0xfc, Immediate.misc],
    [0xfd, 0xfd, Immediate.simd],
    [0xfe, 0xfe, Immediate.threads],
  ],
  Immediate.unknown,
)

/** How to read what follows each SIMD opcode (after 0xfd). Relaxed SIMD starts at 0x100. */
export const SIMD_IMMEDIATES: Uint8Array = table(
  [
    [0x00, 0xff, SimdImmediate.none],
    [0x00, 0x0b, SimdImmediate.memory],
    [0x0c, 0x0d, SimdImmediate.bytes16],
    [0x15, 0x22, SimdImmediate.lane],
    [0x54, 0x5b, SimdImmediate.memoryLane],
    [0x5c, 0x5d, SimdImmediate.memory],
    // Holes the specification left.
    [0x9a, 0x9a, SimdImmediate.unknown],
    [0xa2, 0xa2, SimdImmediate.unknown],
    [0xa5, 0xa6, SimdImmediate.unknown],
    [0xaf, 0xb0, SimdImmediate.unknown],
    [0xb2, 0xb4, SimdImmediate.unknown],
    [0xbb, 0xbb, SimdImmediate.unknown],
    [0xc2, 0xc2, SimdImmediate.unknown],
    [0xc5, 0xc6, SimdImmediate.unknown],
    [0xcf, 0xd0, SimdImmediate.unknown],
    [0xd2, 0xd4, SimdImmediate.unknown],
    [0xe2, 0xe2, SimdImmediate.unknown],
    [0xee, 0xee, SimdImmediate.unknown],
  ],
  SimdImmediate.unknown,
)

/**
 * Fuel of each opcode. One unit is about one simple instruction; what only shapes the code is free,
 * what leaves it or divides costs more. Bulk instructions and growth are charged apart, by length.
 */
export const COSTS: Uint8Array = table(
  [
    [0x00, 0x05, 0],
    [0x0b, 0x0b, 0],
    [0x1a, 0x1a, 0],
    [0x10, 0x10, 3],
    [0x12, 0x12, 3],
    [0x11, 0x11, 6],
    [0x13, 0x13, 6],
    [0x25, 0x25, 4],
    // Storing a function takes 40 ns.
    [0x26, 0x26, 64],
    [0x6d, 0x70, 4],
    [0x7f, 0x82, 8],
    [0x91, 0x91, 4],
    [0x95, 0x95, 4],
    [0x9f, 0x9f, 6],
    [0xa3, 0xa3, 6],
    [0xd2, 0xd2, 4],
  ],
  1,
)

/** Added to a direct call of an imported function: leaving for the host and coming back. */
export const HOST_CALL_COST = 30
