// Writes docs/errors.md from the table of errors:
//
//   node .ci/errors.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS, type ErrorSpec, type Fault } from '../host/errors.ts'

const HEAD = `# Errors

Every error Penstock raises on purpose has a code, which stays when the words change. The command line shows the
message and the remedy; the admin API answers with \`code\` in its \`application/problem+json\`; a program that
embeds the gateway compares \`error.code\`. This page is made from \`host/errors.ts\` by \`node .ci/errors.ts\`,
and a test holds the two together. Words in CAPITALS stand for what was seen.

Clients of your services see none of this: they get a status and the number of the request.
`

const AREAS: Readonly<Record<string, string>> = {
  ADMIN: 'The admin API',
  CLI: 'The command line',
  CONFIG: 'Configuration',
  DATA: 'Data of plugins',
  DEV: 'penstock dev',
  FILTER: 'Filters',
  GUEST: 'Plugins that run',
  HOST: 'Functions of an embedding program',
  HTTP: 'HTTP',
  INSPECT: 'The inspector',
  JWKS: 'Sets of keys',
  JWT: 'Keys of tokens',
  LISTEN: 'Listeners',
  NAMESPACE: 'Namespaces',
  OBJECT: 'Objects',
  PLUGIN: 'Stored plugins',
  REMOTE: 'RemoteFilter',
  REQUEST: 'Requests',
  TEMPLATE: 'Templates',
  TESTING: 'The test kit',
  TLS: 'TLS',
  TOOLCHAIN: 'penstock build',
  UPSTREAM: 'Upstreams',
  USER: 'User files',
}

const FAULTS: Readonly<Record<Fault, string>> = {
  config: 'what was configured',
  client: 'whoever asked',
  upstream: 'an upstream',
  guest: 'a plugin',
  host: 'Penstock itself, or its machine',
}

/** Stands for the parts of any message: each is its own name in capitals. */
const NAMED = new Proxy(
  {},
  {
    get: (_, name) =>
      String(name)
        .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
        .toUpperCase(),
  },
)

/** The index of errors as Markdown: each with what it says, who is at fault, and what to do. */
export function errorsPage(): string {
  const areas = new Map<string, string[]>()
  for (const [code, entry] of Object.entries(ERRORS).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [area = ''] = code.split('_', 1)
    // Each message takes an object of its own parts, and NAMED has them all.
    const text = section(code, entry as unknown as ErrorSpec<unknown>)
    areas.set(area, [...(areas.get(area) ?? []), text])
  }
  const parts = [...areas].map(([area, list]) => `\n## ${AREAS[area] ?? area}\n${list.join('')}`)
  return `${HEAD}${parts.join('')}`
}

function section(code: string, { fault, status, message, hint }: ErrorSpec<unknown>): string {
  const text = message(NAMED).replace(/\s+/g, ' ').trim()
  return `
### ${code}

> ${text}

Caused by ${FAULTS[fault]}; status ${status}. ${hint}
`
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, '../docs/errors.md'), errorsPage())
}
