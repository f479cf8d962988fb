import { BlockList, isIP, isIPv6 } from 'node:net'
import { GatewayError } from '../errors.ts'

export interface AdminAddress {
  readonly address: string
  readonly port: number
  /** Can only this machine reach it? */
  readonly isLoopback: boolean
  /** Names it may be called by, beside the loopback ones. */
  readonly allowedHosts: readonly string[]
}

const DEFAULT_ADDRESS = '127.0.0.1'
const DEFAULT_PORT = 2381
const MAX_PORT = 65_535

/** `host:port`, `host`, `:port` or `[::1]:port`; null for `none`. CLI_USAGE for anything else. */
export function parseAdminAddress(text: string): AdminAddress | null {
  if (text === 'none') return null
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text)
  const address = parts?.[1] ?? (parts?.[2] || DEFAULT_ADDRESS)
  const port = Number(parts?.[3] ?? DEFAULT_PORT)
  if (parts === null || port > MAX_PORT || (parts[1] !== undefined && !isIPv6(parts[1]))) {
    const reason = `--admin-address is HOST:PORT, [IPv6]:PORT or none, not "${text}"`
    throw new GatewayError('CLI_USAGE', { reason })
  }
  return { address, port, isLoopback: isLoopback(address), allowedHosts: [] }
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function isLoopback(address: string): boolean {
  const version = isIP(address)
  if (version === 0) return address === 'localhost'
  return LOOPBACK.check(address, version === 6 ? 'ipv6' : 'ipv4')
}
