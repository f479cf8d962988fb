import { Filter, parameters, Request, refuse } from '@penstock/sdk'
import { parseTemplate, Template } from './template.ts'

/** One line of `set`, `default` or `add`. */
class Rule {
  name: string
  value: Template

  constructor(name: string, value: Template) {
    this.name = name
    this.value = value
  }
}

/** Rewrites the headers of a request on its way to the upstream: remove, then default, set and add. */
export class RequestHeaders extends Filter {
  /** Names of headers to remove, one a line; a name that ends in "*" means all that start so. */
  private removals: string[] = lines(parameters.text('remove', ''))
  /** "name: value" lines: set the header when the request does not have it. */
  private defaults: Rule[] = rules('default', parameters.text('default', ''))
  /** "name: value" lines: make this the only value of the header. */
  private settings: Rule[] = rules('set', parameters.text('set', ''))
  /** "name: value" lines: add one more value. */
  private additions: Rule[] = rules('add', parameters.text('add', ''))

  constructor() {
    super()
    for (let i = 0; i < this.removals.length; i++) {
      const name = this.removals[i]
      if (!isName(name.endsWith('*') ? name.slice(0, -1) : name)) {
        refuse(`remove: "${name}" is not a header name`)
      }
    }
  }

  onRequest(request: Request): void {
    for (let i = 0; i < this.removals.length; i++) remove(request, this.removals[i])
    for (let i = 0; i < this.defaults.length; i++) {
      const rule = this.defaults[i]
      if (!request.headers.has(rule.name)) request.headers.set(rule.name, rule.value.fill(request))
    }
    for (let i = 0; i < this.settings.length; i++) {
      const rule = this.settings[i]
      request.headers.set(rule.name, rule.value.fill(request))
    }
    for (let i = 0; i < this.additions.length; i++) {
      const rule = this.additions[i]
      request.headers.add(rule.name, rule.value.fill(request))
    }
  }
}

function remove(request: Request, name: string): void {
  if (!name.endsWith('*')) {
    request.headers.remove(name)
    return
  }
  const prefix = name.slice(0, -1).toLowerCase()
  const names = request.headers.names()
  for (let i = 0; i < names.length; i++) {
    if (names[i].toLowerCase().startsWith(prefix)) request.headers.remove(names[i])
  }
}

function rules(parameter: string, text: string): Rule[] {
  const found = new Array<Rule>()
  const all = lines(text)
  for (let i = 0; i < all.length; i++) {
    const colon = all[i].indexOf(':')
    const name = all[i].slice(0, max(colon, 0)).trim()
    if (colon < 0 || !isName(name)) {
      refuse(`${parameter}: "${all[i]}" is not "name: value"`)
      continue
    }
    const problem = new Array<string>()
    const value = parseTemplate(all[i].slice(colon + 1).trim(), problem)
    for (let at = 0; at < problem.length; at++) refuse(`${parameter}: ${name}: ${problem[at]}`)
    found.push(new Rule(name, value))
  }
  return found
}

/** The lines that say something: neither empty nor a comment. */
function lines(text: string): string[] {
  const all = text.split('\n')
  const found = new Array<string>()
  for (let i = 0; i < all.length; i++) {
    const line = all[i].trim()
    if (line.length > 0 && !line.startsWith('#')) found.push(line)
  }
  return found
}

/** A token (RFC 9110, section 5.6.2). */
function isName(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    const isWord =
      (character >= 0x30 && character <= 0x39) ||
      ((character | 0x20) >= 0x61 && (character | 0x20) <= 0x7a)
    if (!isWord && !"!#$%&'*+-.^_`|~".includes(text.charAt(i))) return false
  }
  return text.length > 0
}
