import { GatewayError } from '../errors.ts'
import { OUTBOUND_LIMITS } from './outbound/outbound-limits.ts'

/** What a host function is told about the guest that calls it. */
export interface HostCallContext {
  /** The plugin's name. */
  readonly plugin: string
  readonly pipeline: string
  readonly filter: string
  /** The id of the request the guest works on. */
  readonly requestId: string
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

type MaybePromise<T> = T | Promise<T>

interface HostCallBase {
  /** A letter, then at most 63 letters, digits or `_`: what guests import from module `host`. */
  readonly name: string
  readonly description: string
  /** Bytes of the argument and of the answer. Default, and at most, 1 MiB. */
  readonly maxBytes?: number
  /** How long a guest waits. Default 5 s, at most 30 s. */
  readonly timeoutMs?: number
}

/** Takes and gives bytes. */
export interface BytesHostCall extends HostCallBase {
  readonly format: 'bytes'
  call(argument: Uint8Array, context: HostCallContext): MaybePromise<Uint8Array>
}

/** Takes and gives text, UTF-8 on the way. */
export interface TextHostCall extends HostCallBase {
  readonly format: 'text'
  call(argument: string, context: HostCallContext): MaybePromise<string>
}

/** Takes and gives JSON; `parse` makes what came from the guest what `call` takes, or throws. */
export interface JsonHostCall<A> extends HostCallBase {
  readonly format: 'json'
  parse(value: unknown): A
  call(argument: A, context: HostCallContext): MaybePromise<unknown>
}

/** A function of the embedding program that guests can call, whatever it takes. */
export interface HostCall {
  readonly name: string
  readonly description: string
  readonly maxBytes: number
  readonly timeoutMs: number
  /** Rejects with what the function throws; its message is what the guest is told. */
  run(argument: Uint8Array, context: HostCallContext): Promise<Uint8Array>
}

/**
 * Makes a function of yours one that plugins can call, if their `grant` names it under `functions`:
 *
 *     const plan = defineHostCall({
 *       name: 'plan',
 *       description: 'The plan of a customer.',
 *       format: 'text',
 *       call: async (customer) => (await database.plan(customer)) ?? 'free',
 *     })
 *     await createGateway({ …, hostCalls: [plan] })
 *
 * It runs in the event loop: what takes long has to be asynchronous. What it throws is an error to the
 * guest, with its message, and costs the gateway nothing. HOST_CALL for a name or a limit that cannot be.
 */
export function defineHostCall<A = never>(
  call: BytesHostCall | TextHostCall | JsonHostCall<A>,
): HostCall {
  const { name, description } = call
  const { maxBytes = OUTBOUND_LIMITS.bodyBytes, timeoutMs = OUTBOUND_LIMITS.timeoutMs } = call
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name)) {
    throw wrong(name, 'its name is a letter, then at most 63 letters, digits or _')
  }
  if (!(maxBytes > 0 && maxBytes <= OUTBOUND_LIMITS.bodyBytes)) {
    throw wrong(name, `maxBytes is between 1 and ${OUTBOUND_LIMITS.bodyBytes}`)
  }
  if (!(timeoutMs > 0 && timeoutMs <= OUTBOUND_LIMITS.maxTimeoutMs)) {
    throw wrong(name, `timeoutMs is between 1 and ${OUTBOUND_LIMITS.maxTimeoutMs}`)
  }
  return Object.freeze({ name, description, maxBytes, timeoutMs, run: runnerOf(call) })
}

/** The functions by name. HOST_CALL when a name stands twice. */
export function hostCallsByName(calls: readonly HostCall[]): ReadonlyMap<string, HostCall> {
  const byName = new Map<string, HostCall>()
  for (const call of calls) {
    if (byName.has(call.name)) throw wrong(call.name, 'the name stands twice')
    byName.set(call.name, call)
  }
  return byName
}

function runnerOf<A>(call: BytesHostCall | TextHostCall | JsonHostCall<A>): HostCall['run'] {
  switch (call.format) {
    case 'bytes':
      return async (argument, context) => await call.call(argument, context)
    case 'text':
      return async (argument, context) =>
        Buffer.from(await call.call(Buffer.from(argument).toString('utf8'), context), 'utf8')
    case 'json':
      return async (argument, context) => {
        const value: unknown = JSON.parse(Buffer.from(argument).toString('utf8'))
        const answer = await call.call(call.parse(value), context)
        return Buffer.from(JSON.stringify(answer ?? null), 'utf8')
      }
  }
}

function wrong(name: string, reason: string): GatewayError<'HOST_CALL'> {
  return new GatewayError('HOST_CALL', { name, reason })
}
