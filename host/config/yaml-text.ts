import { escapeControls } from '../observe/log-format.ts'

/**
 * JSON data as YAML that a person likes to read. Every text that YAML could take for something else, or
 * that has an unusual character, stands in double quotes, which JSON and YAML read alike.
 */
export function formatYaml(data: unknown): string {
  const lines: string[] = []
  writeNode(data, '', '', lines)
  return `${lines.join('\n')}\n`
}

/** Several documents, each begun with `---`. */
export function formatYamlDocuments(documents: readonly unknown[]): string {
  return documents.map((document) => `---\n${formatYaml(document)}`).join('')
}

/**
 * `lead` is what stands before the value in its first line, `indent` what its further lines begin with.
 *
 *     filters:            lead "filters: ", indent "  "
 *       - name: a         lead "  - ",      indent "    "
 *         kind: Mock
 */
function writeNode(value: unknown, lead: string, indent: string, lines: string[]): void {
  const entries = entriesOf(value)
  if (entries === null || entries.length === 0) {
    lines.push(`${lead}${entries === null ? scalar(value) : Array.isArray(value) ? '[]' : '{}'}`)
    return
  }
  // Inside a list the first entry stands in the line of the dash, after a key in the next line.
  let own = indent
  if (lead.endsWith('- ')) own = lead
  else if (lead !== '') lines.push(lead.trimEnd())
  for (const [label, inner] of entries) {
    writeNode(inner, `${own}${label} `, `${indent}  `, lines)
    own = indent
  }
}

/** The parts of a list or an object with what stands before each; null for a scalar. */
function entriesOf(value: unknown): [label: string, inner: unknown][] | null {
  if (typeof value !== 'object' || value === null) return null
  if (Array.isArray(value)) return value.map((item) => ['-', item])
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([key, inner]) => [`${scalar(key)}:`, inner])
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null'
  if (PLAIN.test(value) && !RESERVED.test(value)) return value
  // What a terminal would act on is escaped: these texts are printed.
  return escapeControls(JSON.stringify(value))
}

/** Begins with a letter, `/` or `_`, and holds nothing that YAML gives a meaning to. */
const PLAIN = /^[A-Za-z/_](?:[\w ./$@+-]*[\w./$@+-])?$/

/** What YAML 1.1 or 1.2 readers take for a truth value or nothing. */
const RESERVED = /^(?:true|false|null|yes|no|on|off|y|n)$/i
