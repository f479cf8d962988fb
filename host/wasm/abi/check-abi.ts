import { GatewayError } from '../../errors.ts'
import type { PluginDescription } from '../module/description.ts'
import type { ModuleInfo } from '../module/module-info.ts'
import { signatureOf } from '../module/value-type.ts'
import type { AbiTable, Phase } from './abi-table.ts'
import { PENSTOCK_V1 } from './penstock-v1.ts'

/** Every ABI this host speaks, in the order they are tried; the first is assumed when none fits. */
const ABIS: readonly [AbiTable, ...AbiTable[]] = [PENSTOCK_V1]

/**
 * Finds the ABI a module was built for and checks that the two fit: every import known with the
 * same signature (else GUEST_IMPORT_UNKNOWN), every needed export and every declared phase there
 * with the right kind and signature (else GUEST_EXPORT_MISSING). Both errors name all that is wrong.
 */
export function checkAbi(info: ModuleInfo, description: PluginDescription): AbiTable {
  const abi = detectAbi(info, description)
  const imports = unknownImports(info, abi)
  if (imports.length > 0) {
    throw new GatewayError('GUEST_IMPORT_UNKNOWN', { names: imports.join(', ') })
  }
  const exports = missingExports(info, abi, description.phases)
  if (exports.length > 0) {
    throw new GatewayError('GUEST_EXPORT_MISSING', { names: exports.join(', ') })
  }
  return abi
}

function detectAbi(info: ModuleInfo, description: PluginDescription): AbiTable {
  if (description.isDeclared) {
    const named = ABIS.find((abi) => abi.name === description.abi)
    if (named !== undefined) return named
    const known = ABIS.map((abi) => abi.name).join(', ')
    throw new GatewayError('GUEST_DESCRIPTION', {
      reason: `the ABI "${description.abi}" is not one of ${known}`,
    })
  }
  return ABIS.find((abi) => fits(info, abi)) ?? ABIS[0]
}

/** A module shows its ABI by the modules it imports from, or by the phases it exports. */
function fits(info: ModuleInfo, abi: AbiTable): boolean {
  const phases = Object.values(abi.phases)
  return (
    info.imports.some(
      (entry) => entry.module !== 'env' && Object.hasOwn(abi.imports, entry.module),
    ) || info.exports.some((entry) => phases.includes(entry.name))
  )
}

function unknownImports(info: ModuleInfo, abi: AbiTable): string[] {
  const problems: string[] = []
  for (const entry of info.imports) {
    const name = `${entry.module}.${entry.name}`
    const calls = Object.hasOwn(abi.imports, entry.module) ? abi.imports[entry.module] : undefined
    const signature =
      calls !== undefined && Object.hasOwn(calls, entry.name) ? calls[entry.name] : undefined
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
