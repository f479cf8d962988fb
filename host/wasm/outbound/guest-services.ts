import { Errno } from '../limits.ts'
import { type CallPort, refusal } from './guest-ask.ts'

/** How often one call of a guest was denied each capability. */
export type Denials = readonly (readonly [capability: string, count: number])[]

/** What executors hand on to the event loop's side of things. */
export interface GuestServices {
  readonly calls: CallPort
  /** A call of this setup was denied something. */
  denied(setupId: number, denials: Denials, requestId: string): void
}

/** For guests without a gateway: nobody is called, denials are not noted. */
export const NO_SERVICES: GuestServices = {
  calls: {
    call: () => Promise.resolve(refusal(Errno.denied, 'there is nobody to call here')),
  },
  denied: () => undefined,
}
