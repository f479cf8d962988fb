import { type FieldName, fieldName } from '../../exchange/field-name.ts'
import { Change, ChangeLog } from '../change-log.ts'
import type { BlockArea } from './block.ts'

/** Stands for a length: the value is bytes, and comes after the text. */
const AFTER = -2

/** Bytes `writeChanges` will need. */
export function sizeOfChanges(log: ChangeLog): number {
  let size = 8
  for (let i = 0; i < log.size; i++) {
    size += 24 + log.nameAt(i).length * 3 + log.valueAt(i).length
  }
  return size
}

/** The kinds and lengths, then all texts as one, then the bytes. */
export function writeChanges(area: BlockArea, log: ChangeLog): void {
  area.putInt(log.size)
  if (log.size === 0) return
  let length = 0
  for (let i = 0; i < log.size; i++) {
    const value = log.valueAt(i)
    const name = latin1Name(log, i)
    area.putInt(log.kindAt(i))
    area.putInt(name.length)
    area.putInt(typeof value === 'string' ? value.length : AFTER)
    length += name.length + (typeof value === 'string' ? value.length : 0)
  }
  area.beginText(length)
  for (let i = 0; i < log.size; i++) {
    const value = log.valueAt(i)
    area.addText(latin1Name(log, i))
    if (typeof value === 'string') area.addText(value)
  }
  area.endText()
  for (let i = 0; i < log.size; i++) {
    const value = log.valueAt(i)
    if (typeof value !== 'string') area.putBytes(value)
  }
}

/** Only the key of per-request data is not latin1: its UTF-8 is written. */
function latin1Name(log: ChangeLog, index: number): string {
  const name = log.nameAt(index)
  return log.kindAt(index) === Change.contextPut ? Buffer.from(name, 'utf8').latin1Slice() : name
}

/** Bytes of the numbers of one change. */
const NUMBERS_BYTES = 12

/**
 * Reads what `writeChanges` wrote, into one log. A filter mostly writes the same fields, and often what it wrote
 * before: a name or a value whose bytes are those of the last one is not made anew, nor looked up.
 */
export class ChangeReader {
  /** What was read last. */
  readonly log = new ChangeLog()
  /** The field that a change wrote last, by the place of the change in its log. */
  readonly #fields: FieldName[] = []

  read(area: BlockArea): void {
    const { log } = this
    log.clear()
    const size = area.int()
    if (size === 0) return
    const numbers = area.at
    area.at += size * NUMBERS_BYTES
    let at = area.passText()
    for (let i = 0; i < size; i++) {
      const kind = area.intAt(numbers + i * NUMBERS_BYTES)
      const nameLength = area.intAt(numbers + i * NUMBERS_BYTES + 4)
      const length = area.intAt(numbers + i * NUMBERS_BYTES + 8)
      const field = isOfField(kind) ? this.#field(area, i, at, nameLength) : null
      const name = field ?? nameOf(kind, area.textAt(at, nameLength))
      at += nameLength
      if (length === AFTER) log.push(kind, name, area.bytes())
      else {
        const known = field === null ? '' : field.lastAdded
        log.push(kind, name, area.says(at, length, known) ? known : area.textAt(at, length))
        at += length
      }
    }
  }

  /** Null when it is no name of a field. */
  #field(area: BlockArea, index: number, at: number, length: number): FieldName | null {
    const known = this.#fields[index]
    if (known !== undefined && area.says(at, length, known.name)) return known
    const field = fieldName(area.textAt(at, length))
    if (field !== null && index < MAX_KNOWN) this.#fields[index] = field
    return field
  }
}

/** So many changes of a log have their fields known. */
const MAX_KNOWN = 8

function isOfField(kind: number): boolean {
  return (
    kind === Change.requestHeaderSet ||
    kind === Change.requestHeaderAdd ||
    kind === Change.responseHeaderSet ||
    kind === Change.responseHeaderAdd
  )
}

function nameOf(kind: number, text: string): string {
  return kind === Change.contextPut ? Buffer.from(text, 'latin1').toString('utf8') : text
}
