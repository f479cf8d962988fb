import { byteLength, encodeLatin1 } from './buffer.ts'
import { refused } from './host-error.ts'
import { header_id } from './penstock_v1.ts'

/*
 * Header names are numbers at the border: a name crosses it once, then costs a look-up by its address.
 *
 *   literal ('x-api-key')   its address never changes: open addressing, never forgotten
 *   any other string        a few of them, each kept alive by the cache, so that its address stays its own
 *   past 256 names          one number that the host gives to whichever name came last: never cached
 */

/** The first number that does not stay with its name. */
const FIRST_UNSTABLE: i32 = 256
const LITERAL_SLOTS: u32 = 1024
const DYNAMIC_SLOTS: u32 = 64

const literalKeys = new StaticArray<usize>(LITERAL_SLOTS)
const literalIds = new StaticArray<u16>(LITERAL_SLOTS)
const dynamicKeys = new StaticArray<string>(DYNAMIC_SLOTS)
const dynamicIds = new StaticArray<u16>(DYNAMIC_SLOTS)

/** The host's number for a header name. Traps when it is no header name. */
export function nameId(name: string): i32 {
  const address = changetype<usize>(name)
  if (address >= __heap_base) return dynamicId(name)
  let slot = hash(address) & (LITERAL_SLOTS - 1)
  for (;;) {
    const key = unchecked(literalKeys[slot])
    if (key == address) return unchecked(literalIds[slot])
    if (key == 0) break
    slot = (slot + 1) & (LITERAL_SLOTS - 1)
  }
  const id = ask(name)
  // At most 256 names get a stable number, so the table never fills.
  if (id < FIRST_UNSTABLE && literalCount < 512) {
    unchecked((literalKeys[slot] = address))
    unchecked((literalIds[slot] = <u16>id))
    literalCount++
  }
  return id
}

let literalCount: i32 = 0

function dynamicId(name: string): i32 {
  const slot = hash(changetype<usize>(name)) & (DYNAMIC_SLOTS - 1)
  if (changetype<usize>(unchecked(dynamicKeys[slot])) == changetype<usize>(name)) {
    return unchecked(dynamicIds[slot])
  }
  const id = ask(name)
  if (id < FIRST_UNSTABLE) {
    unchecked((dynamicKeys[slot] = name))
    unchecked((dynamicIds[slot] = <u16>id))
  }
  return id
}

function ask(name: string): i32 {
  const bytes = encodeLatin1(name)
  const id = header_id(bytes, byteLength)
  if (id < 0) refused(id, `header "${name}"`)
  return id
}

/** Objects lie 16 bytes apart; the multiplication spreads what is left over the upper bits. */
function hash(address: usize): u32 {
  return ((<u32>address >> 4) * 0x9e3779b1) >> 16
}
