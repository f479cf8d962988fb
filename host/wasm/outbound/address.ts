import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * Addresses that are not of the public Internet (IANA special-purpose registries, RFC 6890 and its
 * successors), and those that lead to one through a translation.
 */
const SPECIAL = new BlockList()
for (const [address, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  SPECIAL.addSubnet(address, prefix, 'ipv4')
}
for (const [address, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  SPECIAL.addSubnet(address, prefix, 'ipv6')
}

/** The address without brackets or zone; an IPv4 address inside an IPv6 one is that IPv4 address. */
export function plainAddress(text: string): string {
  const bare = text
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .toLowerCase()
  const mapped = /^(?:0*:)*:?(?:0*:)*ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  if (mapped?.[1] !== undefined) return mapped[1]
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(bare)
  if (hex?.[1] === undefined || hex[2] === undefined) return bare
  const [high, low] = [Number.parseInt(hex[1], 16), Number.parseInt(hex[2], 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** Is it an address of the public Internet? False for what is no address. */
export function isPublicAddress(text: string): boolean {
  const address = plainAddress(text)
  const family = isIP(address)
  return family !== 0 && !SPECIAL.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** Does a plain address lead to this machine? */
export function isThisMachine(address: string): boolean {
  if (/^127\.|^0\.0\.0\.0$|^::1?$/.test(address)) return true
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((one) => plainAddress(one.address) === address),
  )
}
