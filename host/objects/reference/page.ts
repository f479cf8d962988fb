import { type Field, fieldsOf } from './fields.ts'
import { GROUPS, type Group, type ReferenceKind } from './kinds.ts'

const TITLES: Readonly<Record<Group, string>> = {
  object: 'Objects',
  filter: 'Filters',
  policy: 'Policies',
}

const PLACES: Readonly<Record<Group, string>> = {
  object: 'a document of a configuration',
  filter: 'an entry of `filters` of a [Pipeline](Pipeline.md)',
  policy: 'an entry of `resilience` of a [Pipeline](Pipeline.md)',
}

/** What each page begins with, after its title. */
export const MADE = '<!-- Made by `node .ci/reference.ts` from the code. Do not edit. -->'

/** The reference page of a kind, in Markdown. */
export function referencePage(kind: ReferenceKind): string {
  const parts = [
    `# ${kind.kind}\n\n${MADE}\n\n${kind.description}\n\nIt stands as ${PLACES[kind.group]}.`,
    resultsPart(kind),
    `## Fields\n\n${fieldTable(fieldsOf(kind))}`,
    `## Example\n\n\`\`\`yaml\n${kind.example}\n\`\`\``,
  ]
  if (kind.notes.length > 0) {
    parts.push(`## Differs from Easegress\n\n${notesList(kind.notes)}`)
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

/** The page that lists all others. `later` are kinds of Easegress that there are not yet. */
export function referenceIndex(kinds: readonly ReferenceKind[], later: readonly string[]): string {
  const tables = GROUPS.map((group) => {
    const rows = kinds
      .filter((kind) => kind.group === group)
      .map(({ kind, description }) => `| [${kind}](${kind}.md) | ${cell(description)} |`)
    return `## ${TITLES[group]}\n\n| kind | what it does |\n| --- | --- |\n${rows.join('\n')}`
  })
  const names = later.map((name) => `\`${name}\``).join(', ')
  return `# Reference

${MADE}

One page for each kind, made from the schema that checks it. \`penstock explain KIND\` prints the same on
the terminal, \`penstock schema\` writes it as a JSON Schema for editors. [What differs from
Easegress](from-easegress.md) is on one page too, and so is [what templates see and may call](templates.md).

${tables.join('\n\n')}

## Kinds that come later

Easegress has these too. A configuration that uses one is refused with an error that says so: ${names}.
`
}

/** Everything that differs from Easegress, for those who come from there. */
export function differencesPage(kinds: readonly ReferenceKind[]): string {
  const parts = kinds
    .filter(({ notes }) => notes.length > 0)
    .map(({ kind, notes }) => `## [${kind}](${kind}.md)\n\n${notesList(notes)}`)
  return `# Coming from Easegress

${MADE}

Configurations of Easegress v2 load as they are. To try one:

\`\`\`sh
penstock validate -f gateway.yaml                      # every problem at once, with its place
penstock validate -f gateway.yaml --compat easegress   # fields nobody knows are warnings
penstock serve -f gateway.yaml --compat easegress
\`\`\`

With \`--compat easegress\`, fields nobody knows are left out with a warning, and an upstream that is late is
answered for with 408 instead of 504. What is not there yet is an error that says so; [the list of
kinds](README.md#kinds-that-come-later) has those that come later. Where Easegress is unsafe, the safe way is
the default in both cases. What differs, kind by kind:

${parts.join('\n\n')}
`
}

function notesList(notes: readonly string[]): string {
  return notes.map((note) => `- ${note}`).join('\n')
}

function resultsPart({ results }: ReferenceKind): string {
  if (results === null) return ''
  const list = results.map((result) => `\`${result}\``).join(', ')
  const text =
    list === ''
      ? 'None: the flow always goes on.'
      : `${list}. A result without an entry in \`jumpIf\` ends the flow.`
  return `## Results\n\n${text}`
}

function fieldTable(fields: readonly Field[]): string {
  const rows = fields.map((field) => {
    const rest = field.isRequired
      ? '**required**'
      : field.default === null
        ? ''
        : code(field.default)
    const what = `${cell(field.description)}${seeText(field.see)}`
    return `| \`${field.path}\` | ${cell(field.type)} | ${rest} | ${what} |`
  })
  return `| field | type | default | what it is |\n| --- | --- | --- | --- |\n${rows.join('\n')}`
}

function seeText(see: string | null): string {
  if (see === null) return ''
  const [kind = '', ...path] = see.split('.')
  const where = path.length === 0 ? '' : `\`${path.join('.')}\` of `
  return ` The fields inside are those of ${where}[${kind}](${kind}.md).`
}

function code(text: string): string {
  return `\`${cell(text)}\``
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
