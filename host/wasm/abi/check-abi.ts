import { GatewayError } from '../../errors.ts'
import { FUNCTIONS_MODULE } from '../grant/asked-grant.ts'
import type { PluginDescription } from '../module/description.ts'
import type { ModuleInfo } from '../module/module-info.ts'
import { signatureOf } from '../module/value-type.ts'
import type { AbiTable, Phase } from './abi-table.ts'
import { abiNamed } from './builtin.ts'

/**
 * Finds the ABI a module was built for (GUEST_DESCRIPTION when it names one that is not here) and checks
 * that the two fit: every import known with the
 * same signature (else GUEST_IMPORT_UNKNOWN), every needed export and every declared phase there
 * with the right kind and signature (else GUEST_EXPORT_MISSING). Both errors name all that is wrong.
 * `functions` are the names of the embedding program's own; null when nobody knows them yet, and then any
 * name passes.
 */
export function checkAbi(
  info: ModuleInfo,
  description: PluginDescription,
  functions: ReadonlySet<string> | null = NONE,
): AbiTable {
  const abi = abiNamed(description.abi).table
  const imports = unknownImports(info, abi, functions)
  if (imports.length > 0) {
    throw new GatewayError('GUEST_IMPORT_UNKNOWN', { names: imports.join(', ') })
  }
  const exports = missingExports(info, abi, description.phases)
  if (exports.length > 0) {
    throw new GatewayError('GUEST_EXPORT_MISSING', { names: exports.join(', ') })
  }
  return abi
}

const NONE: ReadonlySet<string> = new Set()

/** Every function of the embedder takes bytes, and answers with a code. */
const FUNCTION_SIGNATURE = '(i32, i32) -> i32'

function unknownImports(
  info: ModuleInfo,
  abi: AbiTable,
  functions: ReadonlySet<string> | null,
): string[] {
  const problems: string[] = []
  for (const entry of info.imports) {
    const name = `${entry.module}.${entry.name}`
    const calls = Object.hasOwn(abi.imports, entry.module) ? abi.imports[entry.module] : undefined
    const isFunction = abi.takesFunctions && entry.module === FUNCTIONS_MODULE
    const signature = isFunction
      ? (functions?.has(entry.name) ?? true)
        ? FUNCTION_SIGNATURE
        : undefined
      : calls !== undefined && Object.hasOwn(calls, entry.name)
        ? calls[entry.name]
        : undefined
    if (entry.type.kind !== 'function') {
      problems.push(`${name} (a ${entry.kind})`)
    } else if (signature === undefined) {
      problems.push(name)
    } else if (signatureOf(entry.type) !== signature) {
      problems.push(`${name} (as ${signatureOf(entry.type)}, it is ${signature})`)
    }
  }
  return problems
}

function missingExports(info: ModuleInfo, abi: AbiTable, declared: readonly Phase[]): string[] {
  const problems: string[] = []
  const found = new Map(info.exports.map((entry) => [entry.name, entry]))
  for (const [name, want] of Object.entries(abi.exports)) {
    const entry = found.get(name)
    const isDeclared = declared.some((phase) => abi.phases[phase] === name)
    if (entry === undefined) {
      if (want.isRequired || isDeclared) problems.push(name)
    } else if (entry.kind !== want.kind) {
      problems.push(`${name} (it is a ${entry.kind}, not a ${want.kind})`)
    } else if (entry.type.kind === 'function' && signatureOf(entry.type) !== want.signature) {
      problems.push(`${name} (as ${signatureOf(entry.type)}, it must be ${want.signature})`)
    }
  }
  const phases = Object.values(abi.phases).filter((name) => name !== null)
  if (!phases.some((name) => found.has(name))) problems.push(phases.join(' or '))
  return problems
}
