import { FUNCTIONS, REFUSED_FUNCTIONS } from '../../template/functions/table.ts'
import {
  MAX_LIST_LENGTH,
  MAX_TEMPLATE_DEPTH,
  MAX_TEMPLATE_OUTPUT,
  MAX_TEMPLATE_SOURCE,
  MAX_TEMPLATE_STEPS,
} from '../../template/limits.ts'
import { MADE } from './page.ts'

const LIMITS: readonly (readonly [what: string, limit: number, unit: string])[] = [
  ['source of a template', MAX_TEMPLATE_SOURCE, 'characters'],
  ['output, and any text made on the way to it', MAX_TEMPLATE_OUTPUT, 'characters'],
  ['steps of one run', MAX_TEMPLATE_STEPS, 'nodes, turns and calls'],
  ['templates that call each other', MAX_TEMPLATE_DEPTH, 'levels'],
  ['list that a function makes', MAX_LIST_LENGTH, 'elements'],
]

/** The page about what a template sees and may call. */
export function templatePage(): string {
  const names = [...FUNCTIONS.keys()].toSorted().map((name) => `\`${name}\``)
  const refused = [...REFUSED_FUNCTIONS].map(([name, reason]) => `| \`${name}\` | ${reason} |`)
  const limits = LIMITS.map(([what, limit, unit]) => `| ${what} | ${limit} ${unit} |`)
  return `# Templates

${MADE}

Templates are those of Go (text/template) with the functions of sprig and of Easegress. One is compiled when its
filter is made: a mistake in it refuses the configuration, with its line. The output is read as YAML by the
filter that has the template.

## What a template sees

| name | what it is |
| --- | --- |
| \`.req\`, \`.resp\` | request and response of the namespace DEFAULT |
| \`.requests.NS\`, \`.responses.NS\` | those of the namespace NS |
| \`.data.PIPELINE\` | \`data\` of the pipeline |
| \`.data.KEY\` | what the [DataBuilder](DataBuilder.md) with this \`dataKey\` has made |
| \`.namespace\` | the namespace the filter works in |

Requests have \`Method\`, \`URL\`, \`Header\`, \`Host\`, \`Proto\`, \`RemoteAddr\`, \`RealIP\`, \`Scheme\`, \`Path\`, \`Cookie\`,
\`Cookies\`, \`FormValue\`, \`UserAgent\`, \`Referer\` and the like, as in Go. Responses have \`StatusCode\`, \`Status\` and
\`Header\`. Both have \`Body\` (text), \`RawBody\` (bytes), \`JSONBody\` and \`YAMLBody\`; a body is read as a whole only
when a template names it.

## Limits

| what | limit |
| --- | --- |
${limits.join('\n')}

## Functions

${names.join(', ')}.

These functions of Go and sprig are left out:

| name | why |
| --- | --- |
${refused.join('\n')}
`
}
