import { Kind } from './json-kind.ts'
import { Parser } from './json-parser.ts'
import { Json, jsonOf } from './json-value.ts'
import { allocate, Text } from './text.ts'

/*
 * JSON (RFC 8259) as a tree that can be read and changed. What is not there is a value of its own that
 * answers every question, so that reading takes no checks between the steps:
 *
 *     const value = json.parse(body.content())
 *     if (value === null) return reply(400, json.problem())
 *     const city = value.get('user').get('address').get('city').text('nowhere')
 */

let lastProblem = ''

/**
 * The value a JSON text stands for, or null when it is none: see `problem`. Takes a string, or UTF-8 bytes
 * as a Text; nested at most 100 deep.
 *
 *     const value = json.parse(body.content())
 */
export function parse<T>(text: T): Json | null {
  const parser = new Parser(bytesOf<T>(text))
  const value = parser.parse()
  lastProblem = parser.problem
  return value
}

/** What was wrong with the last text `parse` refused: `a value is missing at byte 12`. */
export function problem(): string {
  return lastProblem
}

/**
 * An object without members.
 *
 *     const answer = json.object().set('ok', true)
 */
export function object(): Json {
  const made = new Json(Kind.Object, '')
  made.names = []
  made.values = []
  return made
}

/**
 * An array without items.
 *
 *     const list = json.array().push(1).push('two')
 */
export function array(): Json {
  const made = new Json(Kind.Array, '')
  made.values = []
  return made
}

/** The value `null`. */
export function nothing(): Json {
  return new Json(Kind.Null, '')
}

/**
 * A value made of a string, a Text (read as UTF-8), a number or a bool; a Json as it is.
 *
 *     const name = json.from('acme').toString()
 */
export function from<T>(value: T): Json {
  return jsonOf<T>(value)
}

function bytesOf<T>(text: T): Text {
  if (isString<T>()) return Text.utf8(changetype<string>(changetype<usize>(text)))
  if (isReference<T>()) {
    if (idof<T>() == idof<Text>()) return changetype<Text>(changetype<usize>(text))
    if (idof<T>() == idof<Uint8Array>()) {
      return Text.from(changetype<Uint8Array>(changetype<usize>(text)))
    }
  }
  ERROR('JSON is read from a string, a Text or a Uint8Array')
  return allocate(0)
}
