import { isIPv6 } from 'node:net'
import type { ServerSpec } from '../endpoint.ts'

/** What a registry says of one instance, before anything of it is believed. */
export interface InstanceRecord {
  /** What messages call it. */
  readonly id: string
  readonly address: unknown
  readonly port: unknown
  /** `http`, `https`, or nothing for http. */
  readonly scheme?: unknown
  readonly tags?: unknown
  /** Share of the traffic; 0 or nothing when the registry knows none. */
  readonly weight?: unknown
  /** Set when the registry's entry could not even be read: why. */
  readonly problem?: string
}

/** One instance of a service that can be sent requests. */
export interface ServiceInstance {
  readonly url: string
  readonly tags: readonly string[]
  /** 0 when the registry knows none. */
  readonly weight: number
}

/** What came of a registry's list. */
export interface InstanceList {
  /** In the order of their URLs, each once: a registry that lists them in another order changes nothing. */
  readonly instances: readonly ServiceInstance[]
  /** `ID: REASON` of those that were left out. */
  readonly refused: readonly string[]
}

/** Instances of one service that are used; more are left out. */
export const MAX_INSTANCES = 4_096
/** Tags of an instance, and characters of each. */
export const MAX_TAGS = 64
export const MAX_TAG_LENGTH = 256

/** The largest weight a server may have, as in the configuration. */
const MAX_WEIGHT = 100

/** A host name or an IPv4 address: nothing of it can be taken for another part of a URL. */
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?$/

/** Takes the instances that are well formed: one that is not takes none of the others along. */
export function readInstances(records: readonly InstanceRecord[]): InstanceList {
  const byUrl = new Map<string, ServiceInstance>()
  const refused: string[] = []
  for (const record of records) {
    const found = readInstance(record)
    if (typeof found === 'string') refused.push(`${record.id}: ${found}`)
    else if (byUrl.size >= MAX_INSTANCES && !byUrl.has(found.url)) {
      refused.push(`${record.id}: there are ${MAX_INSTANCES} instances already`)
    } else byUrl.set(found.url, found)
  }
  const instances = [...byUrl.values()].sort((a, b) => (a.url < b.url ? -1 : 1))
  return { instances, refused }
}

/** The instance, or why it is none. */
function readInstance(record: InstanceRecord): ServiceInstance | string {
  const { address, port, scheme = '', weight = 0, problem } = record
  if (problem !== undefined) return problem
  if (typeof address !== 'string' || address === '') return 'it has no address'
  const host = isIPv6(address) ? `[${address}]` : address
  if (host === address && !HOST.test(address))
    return 'its address is no host name and no IP address'
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return 'its port is no number from 1 to 65535'
  }
  if (scheme !== '' && scheme !== null && scheme !== 'http' && scheme !== 'https') {
    return 'its scheme is neither http nor https'
  }
  const tags = record.tags ?? []
  if (!isTags(tags)) {
    return `its tags are no list of at most ${MAX_TAGS} texts of ${MAX_TAG_LENGTH} characters`
  }
  const isWeight = typeof weight === 'number' && Number.isFinite(weight) && weight >= 0
  if (!isWeight && weight !== null) return 'its weight is no number from 0'
  const url = `${scheme === 'https' ? 'https' : 'http'}://${host}:${port}`
  return { url, tags, weight: isWeight ? weight : 0 }
}

function isTags(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_TAGS &&
    value.every((tag) => typeof tag === 'string' && tag.length <= MAX_TAG_LENGTH)
  )
}

/**
 * The instances with one of these tags, all when there are none, as servers of a pool. Weights become whole
 * numbers up to 100 in the same proportions; without any they are equal.
 */
export function serversOf(
  instances: readonly ServiceInstance[],
  tags: readonly string[],
): readonly ServerSpec[] {
  const chosen =
    tags.length === 0
      ? instances
      : instances.filter((instance) => instance.tags.some((tag) => tags.includes(tag)))
  let largest = 0
  let isWhole = true
  for (const { weight } of chosen) {
    largest = Math.max(largest, weight)
    isWhole &&= Number.isInteger(weight)
  }
  const scale = isWhole && largest <= MAX_WEIGHT ? 1 : MAX_WEIGHT / largest
  return chosen.map(({ url, tags: own, weight }) => ({
    url,
    tags: own,
    weight: largest === 0 ? 1 : weight === 0 ? 0 : Math.max(1, Math.round(weight * scale)),
    keepHost: false,
  }))
}
