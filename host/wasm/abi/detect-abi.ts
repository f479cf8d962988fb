import type { ModuleInfo } from '../module/module-info.ts'
import type { AbiTable } from './abi-table.ts'
import { ABIS } from './builtin.ts'

/**
 * The ABI a module was built for, when it does not say so itself: it shows by the host calls it imports,
 * or by the phases it exports.
 */
export function detectAbi(info: ModuleInfo): AbiTable {
  const found =
    ABIS.find(({ table }) => info.imports.some((entry) => entry.module === table.name)) ??
    ABIS.find(({ table }) => info.exports.some((entry) => isPhase(table, entry.name))) ??
    ABIS[0]
  return found.table
}

function isPhase(abi: AbiTable, name: string): boolean {
  return Object.values(abi.phases).includes(name)
}
