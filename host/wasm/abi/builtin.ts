import { GatewayError } from '../../errors.ts'
import type { Abi } from './abi.ts'
import { easegress } from './easegress-guest.ts'
import { penstockV1 } from './penstock-v1-guest.ts'

/** Every ABI this host speaks, in the order they are tried; the first is assumed when none fits. */
export const ABIS: readonly [Abi, ...Abi[]] = [penstockV1, easegress]

/** The ABI of this name. Fails with GUEST_DESCRIPTION. */
export function abiNamed(name: string): Abi {
  const found = ABIS.find((abi) => abi.table.name === name)
  if (found !== undefined) return found
  const known = ABIS.map((abi) => abi.table.name).join(', ')
  throw new GatewayError('GUEST_DESCRIPTION', {
    reason: `the ABI "${name}" is not one of ${known}`,
  })
}
