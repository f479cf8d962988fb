import type { z } from '../config/schema.ts'
import { GatewayError } from '../errors.ts'
import { abiNamed } from '../wasm/abi/builtin.ts'
import { askedGrant, canWait } from '../wasm/grant/asked-grant.ts'
import { type Grant, Right } from '../wasm/grant/grant.ts'
import { type GrantSpec, grantSpec } from '../wasm/grant/grant-spec.ts'
import { resolveGrant } from '../wasm/grant/resolve-grant.ts'
import type { HostCall } from '../wasm/host-call.ts'
import { HOST_SEAMS } from '../wasm/instance.ts'
import { keyGrants, keyValues } from '../wasm/jwt/filter-keys.ts'
import { type JwtKeysSpec, jwtKeysSpec } from '../wasm/jwt/jwt-keys-spec.ts'
import { FakeCalls, type FakeService } from './fake-calls.ts'
import type { OpenedModule } from './open-module.ts'
import { nameOf } from './open-plugin.ts'

/** What a filter under test may do, and what stands behind it. */
export interface CapabilityOptions {
  /**
   * As under `grant:` of the filter; the local profile without it. Hosts the filter asks for, its secrets
   * and the `functions` given here are granted when it does not say otherwise.
   */
  readonly grant?: GrantSpec
  /** Secrets by name. */
  readonly secrets?: Readonly<Record<string, string>>
  /** Keys by name, as under `keys:` of the filter. */
  readonly keys?: Readonly<Record<string, z.input<typeof jwtKeysSpec>[string]>>
  /** Where random bytes come from: a seed makes them the same in every run. Default the system's source. */
  readonly random?: number | ((bytes: Uint8Array) => void)
  /** Answers the filter's outbound calls. */
  readonly calls?: FakeService
  /** Functions of the embedding program. */
  readonly functions?: readonly HostCall[]
}

/** The same, ready for an executor. */
export interface Capabilities {
  readonly grant: Grant
  readonly secrets: ReadonlyMap<string, string>
  readonly random: (bytes: Uint8Array) => void
  readonly calls: FakeCalls
  readonly canWait: boolean
  readonly hasData: boolean
}

/** TESTING_INPUT for a grant that no configuration can have. */
export function capabilitiesOf(
  { description, info }: OpenedModule,
  options: CapabilityOptions,
): Capabilities {
  const parsed = grantSpec.safeParse(options.grant ?? {})
  if (!parsed.success) {
    const reason = parsed.error.issues
      .map((issue) => `grant.${issue.path.join('.')}: ${issue.message}`)
      .join('; ')
    throw new GatewayError('TESTING_INPUT', { reason })
  }
  const { secrets = {}, functions = [], random } = options
  const keys = keysOf(options)
  const asked = askedGrant(description, info)
  const hosts = (asked.outbound ?? []).filter((host) => host !== '*')
  const grant = resolveGrant({
    profile: 'local',
    asked,
    operator: {
      outbound: hosts,
      functions: functions.map(({ name }) => name),
      ...parsed.data,
    },
    secrets: Object.keys(secrets),
    keys: keyGrants(keys),
  })
  return {
    grant,
    secrets: new Map([...Object.entries(secrets), ...keyValues(grant, keys)]),
    random:
      random === undefined
        ? HOST_SEAMS.random
        : typeof random === 'number'
          ? seeded(random)
          : random,
    calls: new FakeCalls(options.calls ?? null, functions, nameOf(description)),
    canWait: canWait(abiNamed(description.abi).table, info.imports),
    hasData: (grant.rights & Right.data) !== 0,
  }
}

function keysOf({ keys = {} }: CapabilityOptions): JwtKeysSpec {
  const parsed = jwtKeysSpec.safeParse(keys)
  if (parsed.success) return parsed.data
  const reason = parsed.error.issues
    .map((issue) => `keys.${issue.path.join('.')}: ${issue.message}`)
    .join('; ')
  throw new GatewayError('TESTING_INPUT', { reason })
}

/** Mulberry32: repeatable, and no more than that. */
function seeded(seed: number): (bytes: Uint8Array) => void {
  let state = seed >>> 0
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      bytes[i] = (mixed ^ (mixed >>> 14)) & 0xff
    }
  }
}
