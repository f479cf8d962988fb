import { processLookups } from '../../config/interpolate.ts'
import { hasErrors } from '../../config/issues.ts'
import { renderIssues } from '../../config/report.ts'
import { readSources } from '../../config/source.ts'
import { describeModule } from '../../control/describe-module.ts'
import { storedNamesIn } from '../../control/stored-names.ts'
import { validateSources } from '../../control/validate.ts'
import { FILTER_KINDS } from '../../filters/builtin.ts'
import type { StoredNames } from '../../objects/object.ts'
import { OBJECT_SPECS } from '../../objects/specs.ts'
import { dataDirOf } from '../data-dir.ts'
import { type CliIo, EXIT, type ExitCode, hasColor } from '../io.ts'

/** What the command reads and writes. */
export type ValidateIo = Pick<CliIo, 'cwd' | 'env' | 'stdin' | 'stdout' | 'stderr'> & {
  /** Width of the terminal in cells; 0 or absent when unknown. */
  readonly columns?: number
}

/**
 * Checks configuration files and writes every problem. Answers the exit status: 0 when the files can be
 * used (warnings do not count), 1 when they cannot, 2 when there is nothing to read or it cannot be read.
 * `storedPlugins` are those filters may name; null when that is not known.
 */
export async function validate(
  files: readonly string[],
  io: ValidateIo,
  ignoresUnknownFields = false,
  storedPlugins: StoredNames | null = null,
): Promise<ExitCode> {
  if (files.length === 0) {
    io.stderr.write('error: name at least one file or folder with -f\n')
    return EXIT.usage
  }
  const { sources, failures } = await readSources(files, io)
  for (const failure of failures) io.stderr.write(`error: ${failure.message}. ${failure.hint}\n`)
  const { objects, issues } = validateSources({
    sources,
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
    lookups: { ...processLookups(), env: io.env },
    isComplete: failures.length === 0,
    ignoresUnknownFields,
    storedPlugins,
    describeModule,
  })
  const terminal = {
    isTerminal: io.stderr.isTerminal,
    hasColor: hasColor(io.stderr, io.env),
    columns: io.columns ?? 0,
  }
  io.stderr.write(renderIssues(issues, sources, terminal))
  if (failures.length > 0) return EXIT.usage
  const errors = issues.filter((issue) => issue.severity === 'error').length
  if (hasErrors(issues)) {
    io.stderr.write(`${count(errors, 'problem')} in ${count(sources.length, 'file')}\n`)
    return EXIT.refused
  }
  const what = `${count(objects.length, 'object')} in ${count(sources.length, 'file')}`
  io.stdout.write(`valid: ${what}\n`)
  return EXIT.ok
}

/**
 * The plugins that filters may name. Null when nobody has said where they are kept and no gateway has stored
 * one beside the configuration: whether there is one cannot be told then.
 */
export async function storedPluginsOf(
  dataDir: string | null,
  files: readonly string[],
  io: Pick<CliIo, 'cwd'>,
): Promise<StoredNames | null> {
  const stored = await storedNamesIn(await dataDirOf(dataDir, files, io))
  return stored ?? (dataDir === null ? null : new Map())
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
