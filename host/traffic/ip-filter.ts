import { BlockList, isIP } from 'node:net'

/** Easegress's IPFilter, as it is written. */
export interface IpFilterSpec {
  readonly blockByDefault: boolean
  /** Addresses and ranges (`10.0.0.0/8`) of IPv4 and IPv6. */
  readonly allowIPs: readonly string[]
  readonly blockIPs: readonly string[]
}

/** Answers that are remembered; looking through 100 ranges takes 4 us. */
export const MAX_REMEMBERED_ADDRESSES = 4_096

/**
 * Lets addresses through or not. When there is an allow list, an address that is not in it is refused; one
 * in both lists, or in none, gets the default; else the list it is in decides.
 *
 * The address is that of the peer of the socket, or what a trusted proxy says (`TrustedProxies`): what a
 * client says about itself is not believed.
 */
export class IpFilter {
  readonly #allows: BlockList
  readonly #blocks: BlockList
  readonly #hasAllowList: boolean
  readonly #default: boolean
  readonly #known = new Map<string, boolean>()

  constructor(spec: IpFilterSpec) {
    this.#allows = listOf(spec.allowIPs)
    this.#blocks = listOf(spec.blockIPs)
    this.#hasAllowList = spec.allowIPs.length > 0
    this.#default = !spec.blockByDefault
  }

  isAllowed(address: string): boolean {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    const isAllowed = this.#decide(address)
    // Emptied as a whole: an attacker with many addresses costs a lookup each, as without a memory.
    if (this.#known.size >= MAX_REMEMBERED_ADDRESSES) this.#known.clear()
    this.#known.set(address, isAllowed)
    return isAllowed
  }

  #decide(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    // What is no address is in no list.
    if (isIP(address) === 0) return !this.#hasAllowList && this.#default
    const isListed = this.#allows.check(address, family)
    const isBlocked = this.#blocks.check(address, family)
    if (this.#hasAllowList && !isListed) return false
    if (isListed === isBlocked) return this.#default
    return isListed
  }
}

/** Is this an address, or a range in CIDR notation? */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}
