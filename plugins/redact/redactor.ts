import { hash, hex, Json, json, Text } from '@penstock/sdk'
import { Detector } from './detector.ts'
import { Action, Paths } from './paths.ts'

/** Characters below which a value with its last four shown would show too much of itself. */
const MIN_FOR_LAST4: i32 = 8

/** Walks through a JSON value and changes what must not be seen. */
@final
export class Redactor {
  private paths: Paths
  private detector: Detector
  private key: Text
  /** Values that were changed or removed since the last `start`. */
  count: i32 = 0

  constructor(paths: Paths, detector: Detector, key: Text) {
    this.paths = paths
    this.detector = detector
    this.key = key
  }

  /** The value in the place of this one; the same object, changed within, for objects and lists. */
  redact(value: Json): Json {
    this.count = 0
    return this.visit(value, this.paths.start)
  }

  private visit(value: Json, positions: i32[]): Json {
    if (value.isObject) {
      this.visitObject(value, positions)
    } else if (value.isArray) {
      // A list stands for each of its items.
      for (let i = 0; i < value.length; i++) {
        const item = value.at(i)
        const changed = this.visit(item, positions)
        if (changed !== item) value.setAt(i, changed)
      }
    } else if (this.detector.canFind) {
      return this.visitScalar(value)
    }
    return value
  }

  private visitObject(value: Json, positions: i32[]): void {
    let i = 0
    while (i < value.length) {
      const name = value.nameAt(i)
      const behind = this.paths.step(positions, name)
      const action = this.paths.actionAt(behind)
      const member = value.at(i)
      if (action == Action.Remove) {
        // All of that name: they stand at the same place.
        this.count++
        value.remove(name)
        continue
      }
      const changed =
        action == Action.None ? this.visit(member, behind) : this.cover(member, action)
      if (changed !== member) value.setAt(i, changed)
      i++
    }
  }

  private visitScalar(value: Json): Json {
    if (!value.isString && !value.isNumber) return value
    const text = value.isString ? value.text() : value.toString()
    const clean = this.detector.clean(text)
    if (clean === text) return value
    this.count++
    return json.from(clean)
  }

  private cover(value: Json, action: Action): Json {
    // Nothing is nothing: that there is no value stays visible.
    if (value.isNull) return value
    this.count++
    const text = value.isString ? value.text() : value.toString()
    if (action == Action.Hash) {
      return json.from(hex.encode(hash.hmacSha256(this.key, text)).slice(0, 16))
    }
    const mask = this.detector.maskOf('path')
    const isShown = action == Action.Last4 && (value.isString || value.isNumber)
    if (!isShown || text.length < MIN_FOR_LAST4) return json.from(mask)
    return json.from(mask + text.slice(-4))
  }
}
