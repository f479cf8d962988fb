import { type ConfigDocument, parseDocuments } from '../config/document.ts'
import { ConfigError, type ConfigIssue, hasErrors } from '../config/issues.ts'
import { readSources, type SourceText } from '../config/source.ts'
import type { OptionSpec } from './command.ts'
import type { CliIo } from './io.ts'

/** `-f`, the same for every command that takes it. */
export const FILE_OPTION: OptionSpec = {
  flags: '-f, --file <path>',
  description: 'a configuration file, a folder of them, or - for standard input; repeatable',
  isRepeatable: true,
}

export interface LocalDocuments {
  readonly sources: readonly SourceText[]
  readonly documents: readonly ConfigDocument[]
}

/** Reads and parses configuration files. Fails with CONFIG_READ, or with ConfigError for their syntax. */
export async function readDocuments(paths: readonly string[], io: CliIo): Promise<LocalDocuments> {
  const { sources, failures } = await readSources(paths, io)
  if (failures[0] !== undefined) throw failures[0]
  const documents: ConfigDocument[] = []
  const issues: ConfigIssue[] = []
  for (const source of sources) {
    const parsed = parseDocuments(source)
    documents.push(...parsed.documents)
    issues.push(...parsed.issues)
  }
  if (hasErrors(issues)) throw new ConfigError(issues)
  return { sources, documents }
}
