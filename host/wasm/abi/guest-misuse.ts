import { Errno } from '../limits.ts'

/**
 * Raised when a guest asks for what it cannot have and its ABI has no way to tell it: the call ends like
 * any other trap, with this reason in the log.
 */
export class GuestMisuse extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'GuestMisuse'
  }
}

/** Raises the reason behind a negative `code`; anything else passes. */
export function refuse(code: number, what: string): void {
  if (code < 0) throw new GuestMisuse(`${what}: ${REASONS[code] ?? `the host answered ${code}`}`)
}

const REASONS: Readonly<Record<number, string>> = {
  [Errno.absent]: 'there is no such value',
  [Errno.invalid]: 'not valid',
  [Errno.denied]: 'not granted',
  [Errno.tooLarge]: 'past a limit',
  [Errno.wrongPhase]: 'not possible here',
  [Errno.unavailable]: 'no answer in time',
  [Errno.timedOut]: 'no answer in time',
  [Errno.failed]: 'it failed',
}
