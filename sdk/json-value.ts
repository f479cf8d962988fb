import * as out from './byte-writer.ts'
import { Kind } from './json-kind.ts'
import { writeString } from './json-string.ts'
import { Text } from './text.ts'

/** A JSON value. Object members keep their order; a number keeps the digits it was written with. */
@final
export class Json {
  /** One of `Kind`. For the SDK's own files. */
  kind: Kind
  /** The string, or the digits of the number. */
  source: string
  names: string[] | null = null
  values: Json[] | null = null

  /** Made by the SDK: use `json.parse`, `json.object`, `json.array` and `json.from`. */
  constructor(kind: Kind, source: string) {
    this.kind = kind
    this.source = source
  }

  /** True for what is not there, which is not the same as `null`. */
  get isMissing(): bool {
    return this.kind == Kind.Missing
  }

  get isNull(): bool {
    return this.kind == Kind.Null
  }

  get isObject(): bool {
    return this.kind == Kind.Object
  }

  get isArray(): bool {
    return this.kind == Kind.Array
  }

  get isString(): bool {
    return this.kind == Kind.String
  }

  get isNumber(): bool {
    return this.kind == Kind.Number
  }

  get isFlag(): bool {
    return this.kind == Kind.True || this.kind == Kind.False
  }

  /** Members of an object, items of an array; 0 of anything else. */
  get length(): i32 {
    const values = this.values
    return values === null ? 0 : values.length
  }

  /**
   * The member of that name, the last one when there are several; missing when there is none. Looks through
   * the names one by one.
   *
   *     const id = value.get('id').integer(-1)
   */
  get(name: string): Json {
    const at = this.find(name)
    const values = this.values
    return at < 0 || values === null ? MISSING : values[at]
  }

  /** Is there a member of that name? One that is `null` is there. */
  has(name: string): bool {
    return this.find(name) >= 0
  }

  /**
   * The item, or the value of the member, at `index`; missing outside.
   *
   *     for (let i = 0; i < value.length; i++) log.info(value.at(i).toString())
   */
  at(index: i32): Json {
    const values = this.values
    return values === null || <u32>index >= <u32>values.length ? MISSING : values[index]
  }

  /** The name of the member at `index`; "" outside and for what is no object. */
  nameAt(index: i32): string {
    const names = this.names
    return names === null || <u32>index >= <u32>names.length ? '' : names[index]
  }

  /**
   * The string, or `fallback` for anything else.
   *
   *     const name = value.get('name').text()
   */
  text(fallback: string = ''): string {
    return this.kind == Kind.String ? this.source : fallback
  }

  /**
   * The number when it is a whole one of 64 bits, else `fallback`. `1.0` and `1e3` are whole.
   *
   *     const count = value.get('count').integer()
   */
  integer(fallback: i64 = 0): i64 {
    if (this.kind != Kind.Number) return fallback
    if (isWhole(this.source)) return I64.parseInt(this.source)
    const number = F64.parseFloat(this.source)
    // Past 2^53 neighbors cannot be told apart.
    return floor(number) == number && abs(number) <= 9007199254740992.0 ? <i64>number : fallback
  }

  /**
   * The number, or `fallback` for anything else.
   *
   *     const price = value.get('price').number()
   */
  number(fallback: f64 = NaN): f64 {
    return this.kind == Kind.Number ? F64.parseFloat(this.source) : fallback
  }

  /**
   * `true` or `false`, or `fallback` for anything else.
   *
   *     if (value.get('active').flag()) …
   */
  flag(fallback: bool = false): bool {
    return this.kind == Kind.True ? true : this.kind == Kind.False ? false : fallback
  }

  /**
   * Sets a member and returns the object. Takes a Json, a string, a Text (read as UTF-8), a number or a bool.
   * Traps on what is no object.
   *
   *     const answer = json.object().set('error', 'closed').set('retry', 30)
   */
  set<T>(name: string, value: T): Json {
    if (this.kind != Kind.Object) throw new Error('set: this is no JSON object')
    const at = this.find(name)
    const names = this.names
    const values = this.values
    if (names === null || values === null) return this
    const made = jsonOf<T>(value)
    if (at >= 0) {
      values[at] = made
    } else {
      names.push(name)
      values.push(made)
    }
    return this
  }

  /**
   * Adds an item and returns the array. Takes what `set` takes; traps on what is no array.
   *
   *     value.get('tags').push('seen')
   */
  push<T>(value: T): Json {
    const values = this.values
    if (this.kind != Kind.Array || values === null) throw new Error('push: this is no JSON array')
    values.push(jsonOf<T>(value))
    return this
  }

  /** Replaces the item, or the value of the member, at `index`. Traps outside. */
  setAt<T>(index: i32, value: T): void {
    const values = this.values
    if (values === null) throw new Error('setAt: this has no items')
    values[index] = jsonOf<T>(value)
  }

  /**
   * Removes every member of that name; true when there was one.
   *
   *     value.remove('password')
   */
  remove(name: string): bool {
    const names = this.names
    const values = this.values
    if (names === null || values === null) return false
    let kept = 0
    for (let i = 0; i < names.length; i++) {
      if (names[i] == name) continue
      names[kept] = names[i]
      values[kept] = values[i]
      kept++
    }
    const isFound = kept < names.length
    names.length = kept
    values.length = kept
    return isFound
  }

  /**
   * The value as JSON, without spaces, as UTF-8 bytes: the fast way to set a body.
   *
   *     response.setBody(value.toText())
   */
  toText(): Text {
    out.start()
    this.write()
    return out.finish()
  }

  /** As `toText`, as a string. */
  toString(): string {
    return this.toText().toUtf8()
  }

  private write(): void {
    switch (this.kind) {
      case Kind.String:
        writeString(this.source)
        return
      case Kind.Number:
        out.ascii(this.source)
        return
      case Kind.True:
        out.ascii('true')
        return
      case Kind.False:
        out.ascii('false')
        return
      case Kind.Object:
      case Kind.Array:
        this.writeItems()
        return
      default:
        // What is missing has no other word.
        out.ascii('null')
    }
  }

  private writeItems(): void {
    const values = this.values
    if (values === null) return
    const names = this.names
    out.byte(names === null ? 0x5b : 0x7b)
    for (let i = 0; i < values.length; i++) {
      if (i > 0) out.byte(0x2c)
      if (names !== null) {
        writeString(names[i])
        out.byte(0x3a)
      }
      values[i].write()
    }
    out.byte(names === null ? 0x5d : 0x7d)
  }

  private find(name: string): i32 {
    const names = this.names
    if (names === null) return -1
    for (let i = names.length - 1; i >= 0; i--) {
      if (names[i] == name) return i
    }
    return -1
  }
}

const MISSING = new Json(Kind.Missing, '')

/** A value made of a string, a Text (read as UTF-8), a number or a bool; a Json as it is. */
export function jsonOf<T>(value: T): Json {
  if (isBoolean<T>()) return new Json(value ? Kind.True : Kind.False, '')
  if (isInteger<T>()) return new Json(Kind.Number, value.toString())
  if (isFloat<T>()) return ofFloat(<f64>value)
  if (isReference<T>()) {
    if (changetype<usize>(value) == 0) return new Json(Kind.Null, '')
    if (isString<T>()) return new Json(Kind.String, changetype<string>(changetype<usize>(value)))
    if (idof<T>() == idof<Json>()) return changetype<Json>(changetype<usize>(value))
    if (idof<T>() == idof<Text>()) {
      return new Json(Kind.String, changetype<Text>(changetype<usize>(value)).toUtf8())
    }
  }
  ERROR('a JSON value is made of a string, a Text, a number, a bool or a Json')
  return MISSING
}

/** JSON has no word for what is not finite. */
function ofFloat(value: f64): Json {
  if (!isFinite(value)) return new Json(Kind.Null, '')
  const isWholeNumber = floor(value) == value && abs(value) < 1e15
  return new Json(Kind.Number, isWholeNumber ? (<i64>value).toString() : value.toString())
}

/** At most 18 digits, which always fit. */
function isWhole(digits: string): bool {
  const start = digits.startsWith('-') ? 1 : 0
  if (digits.length - start > 18) return false
  for (let i = start; i < digits.length; i++) {
    if (<u32>digits.charCodeAt(i) - 0x30 > 9) return false
  }
  return true
}
