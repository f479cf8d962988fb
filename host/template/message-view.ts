import { parseYamlText } from '../config/document.ts'
import { reasonOf } from '../errors.ts'
import type { Body } from '../exchange/body.ts'
import type { Headers } from '../exchange/headers.ts'
import { textOf } from './functions/define.ts'
import { textFrom } from './functions/encoding.ts'
import { parseJsonBody } from './json-text.ts'
import { runError } from './template-error.ts'
import { type Dict, fromData, GoObject, type Method, newDict, type Value } from './value.ts'

/** The body of a message as templates see it: bytes, text, or parsed once. */
export class BodyView {
  readonly #body: Body
  readonly #what: string
  #json: Value
  #yaml: Value
  #hasJson = false
  #hasYaml = false

  constructor(body: Body, what: string) {
    this.#body = body
    this.#what = what
  }

  get bytes(): Buffer {
    if (this.#body.isWhole) return this.#body.whole()
    throw runError(`the body of ${this.#what} has been sent on already`)
  }

  method(name: string): Method | undefined {
    switch (name) {
      case 'RawBody':
        return () => this.bytes
      case 'Body':
        return () => textFrom(this.bytes)
      case 'JSONBody':
        return () => this.#parsedJson()
      case 'YAMLBody':
        return () => this.#parsedYaml()
      default:
        return undefined
    }
  }

  #parsedJson(): Value {
    if (!this.#hasJson) {
      try {
        this.#json = parseJsonBody(this.bytes.toString('utf8'))
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
        throw runError(`the body of ${this.#what} is not JSON: ${error.message}`)
      }
      this.#hasJson = true
    }
    return this.#json
  }

  #parsedYaml(): Value {
    if (!this.#hasYaml) {
      try {
        this.#yaml = fromData(parseYamlText(this.bytes.toString('utf8')))
      } catch (error) {
        throw runError(`the body of ${this.#what} is not YAML: ${reasonOf(error)}`)
      }
      this.#hasYaml = true
    }
    return this.#yaml
  }
}

/** Headers as Go's http.Header: a map of lists under canonical names, with its methods. */
export class HeaderView extends GoObject {
  readonly typeName = 'http.Header'
  readonly #headers: Headers
  #dict: Dict | null = null

  constructor(headers: Headers) {
    super()
    this.#headers = headers
  }

  override get dict(): Dict {
    if (this.#dict === null) {
      const dict = newDict()
      const { list } = this.#headers
      for (let i = 0; i < list.length; i += 2) {
        const name = canonicalName(list[i] as string)
        // Go keeps Host apart from the other fields.
        if (name === 'Host') continue
        const values = dict[name]
        if (Array.isArray(values)) values.push(list[i + 1])
        else dict[name] = [list[i + 1]]
      }
      this.#dict = Object.freeze(dict)
    }
    return this.#dict
  }

  override method(name: string): Method | undefined {
    switch (name) {
      case 'Get':
        return ([key]) => this.#headers.get(textOf(key).toLowerCase()) ?? ''
      case 'Values':
        return ([key]) => this.#headers.getAll(textOf(key).toLowerCase())
      default:
        return undefined
    }
  }
}

/** `x-request-id` as Go writes it: `X-Request-Id`. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}
