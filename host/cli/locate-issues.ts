import { processLookups } from '../config/interpolate.ts'
import { formatIssue } from '../config/issues.ts'
import { parsePath } from '../config/json.ts'
import { renderIssues } from '../config/report.ts'
import { validateDocuments } from '../control/validate.ts'
import { FILTER_KINDS } from '../filters/builtin.ts'
import { OBJECT_SPECS } from '../objects/specs.ts'
import type { RefusedProblem } from './api-client.ts'
import type { LocalDocuments } from './documents.ts'
import { type CliIo, hasColor } from './io.ts'

/**
 * The issues of a refusal with their places in the files that were sent. The gateway has only seen data;
 * the same checks, made here over the texts, find the same problems with line and column. The gateway
 * decides what is wrong: a problem that only this side sees (another environment) is not told.
 */
export function locateIssues(
  issues: NonNullable<RefusedProblem['issues']>,
  { documents, sources }: LocalDocuments,
  io: CliIo,
): string[] {
  const local = validateDocuments({
    documents,
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
    lookups: { ...processLookups(), env: io.env },
  }).issues
  const unused = [...local]
  const terminal = {
    isTerminal: io.stderr.isTerminal,
    hasColor: hasColor(io.stderr, io.env),
    columns: io.columns,
  }
  return issues.map((issue) => {
    const index = unused.findIndex(
      ({ path, message }) => path === issue.path && message === issue.message,
    )
    const found = unused.splice(index, index < 0 ? 0 : 1)[0]
    if (found !== undefined) return renderIssues([found], sources, terminal).trimEnd()
    const { object, path, message, suggestion = null } = issue
    // What only the gateway knows, for instance its stored plugins: it says where at least.
    const document = documents.find(({ data }) => data['name'] === object)
    const position = document?.locate(parsePath(path) ?? []) ?? null
    if (position !== null) {
      const placed = { severity: 'error', position, path, message, suggestion } as const
      return renderIssues([placed], sources, terminal).trimEnd()
    }
    const place = [object ?? '', path].filter((part) => part !== '').join(' ')
    const text = place === '' ? message : `${place}: ${message}`
    return formatIssue({ severity: 'error', position: null, path, message: text, suggestion })
  })
}
