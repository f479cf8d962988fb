import type { Field } from '../objects/reference/fields.ts'
import { GROUPS, type ReferenceKind } from '../objects/reference/kinds.ts'
import type { Found } from '../objects/reference/lookup.ts'

/** Narrower than this, wrapped text cannot be read. */
const MIN_WIDTH = 40

/** The list of all kinds, by group. */
export function kindsText(kinds: readonly ReferenceKind[], width: number): string {
  const longest = Math.max(...kinds.map(({ kind }) => kind.length))
  const groups = GROUPS.map((group) => {
    const rows = kinds
      .filter((one) => one.group === group)
      .map(({ kind, description }) => {
        const indent = ' '.repeat(longest + 4)
        return `  ${kind.padEnd(longest)}  ${wrap(description, width, indent).trimStart()}`
      })
    return `${GROUP_TITLES[group]}\n${rows.join('')}`
  })
  return groups.join('\n')
}

const GROUP_TITLES = { object: 'OBJECTS', filter: 'FILTERS', policy: 'POLICIES' } as const

/** A kind with everything its reference page has, or one of its fields with those inside it. */
export function foundText({ kind, field, fields }: Found, width: number): string {
  if (field !== null) {
    const inside = fields.length === 0 ? '' : `\nFIELDS INSIDE\n${fieldList(fields, width)}`
    const see = field.see === null ? '' : `\nFor the fields inside: penstock explain ${field.see}\n`
    return `${kind.kind}.${field.path}\n${fieldBody(field, width, '  ')}${inside}${see}`
  }
  const parts = [`${kind.kind} (${kind.group})\n${wrap(kind.description, width, '  ')}`]
  if (kind.results !== null) {
    const list = kind.results.length === 0 ? 'none' : kind.results.join(', ')
    parts.push(`RESULTS\n${wrap(list, width, '  ')}`)
  }
  parts.push(`FIELDS\n${fieldList(fields, width)}`)
  parts.push(`EXAMPLE\n${kind.example.replace(/^(?=.)/gm, '  ')}\n`)
  if (kind.notes.length > 0) {
    const notes = kind.notes.map((note) => `  - ${wrap(note, width, '    ').trimStart()}`)
    parts.push(`DIFFERS FROM EASEGRESS\n${notes.join('')}`)
  }
  return parts.join('\n')
}

function fieldList(fields: readonly Field[], width: number): string {
  return fields.map((field) => `  ${field.path}\n${fieldBody(field, width, '      ')}`).join('')
}

function fieldBody(field: Field, width: number, indent: string): string {
  const rest = field.isRequired ? ', required' : ''
  const type = `${field.type}${field.default === null ? rest : `, default ${field.default}`}`
  const description = field.description === '' ? '' : wrap(field.description, width, indent)
  return `${wrap(type, width, indent)}${description}`
}

/** Each line indented and at most `width` characters, a word that is longer alone on its line. */
function wrap(text: string, width: number, indent: string): string {
  const room = Math.max(MIN_WIDTH, width) - indent.length
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map((one) => `${indent}${one}\n`).join('')
}
