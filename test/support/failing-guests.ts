/** What a call can end in that is no result: the body of the phase, the code of the failure, its message. */
export interface FailingGuest {
  readonly what: string
  /** Instructions of `penstock_on_request`, in WebAssembly text. */
  readonly body: string
  readonly code: string
  readonly message: RegExp
}

/**
 * Every executor answers the same to these. The first are the numbers by which a thread itself tells how a call
 * ended (`ResultCode`): from a guest they mean nothing but that its result is unknown.
 */
export const FAILING_GUESTS: readonly FailingGuest[] = [
  ...[-1, -2, -3, -4, -5, -6, -7, -0x8000_0000].map((value) => ({
    what: `returns ${value}`,
    body: `(i32.const ${value})`,
    code: 'GUEST_RESULT',
    message: new RegExp(`unknown result ${value}$`),
  })),
  { what: 'traps', body: 'unreachable', code: 'GUEST_TRAPPED', message: /unreachable/ },
  {
    what: 'loops',
    body: '(loop $l (br $l)) (i32.const 0)',
    code: 'GUEST_FUEL',
    message: /ran out of fuel/,
  },
  {
    what: 'divides by zero',
    body: '(i32.div_s (i32.const 1) (i32.const 0))',
    code: 'GUEST_TRAPPED',
    message: /divide by zero/,
  },
  {
    what: 'reads outside of its memory',
    body: '(i32.load (i32.const -4))',
    code: 'GUEST_TRAPPED',
    message: /out of bounds/,
  },
]
