import { Headers } from '../exchange/headers.ts'

/**
 * The phases of a guest, in the numbering of the executor contract. `start` makes an instance, `answer` lets
 * one go on that has waited.
 */
export const Phase = { request: 0, response: 1, done: 2, start: 3, answer: 4 } as const
export type Phase = (typeof Phase)[keyof typeof Phase]

/** Message numbers of the ABI. */
export const Message = { request: 0, response: 1 } as const

/** What a guest may look at during one call. Both executors fill it: one from an exchange, one from shared memory. */
export interface GuestInput {
  readonly phase: Phase
  readonly method: string
  readonly path: string
  readonly query: string
  readonly scheme: string
  readonly host: string
  readonly clientAddress: string
  readonly route: string
  readonly requestId: string
  readonly protocol: string
  readonly requestHeaders: Headers
  /** Null when the module did not ask for it. */
  readonly requestBody: Uint8Array | null
  /** 0 while there is no response. */
  readonly status: number
  readonly responseHeaders: Headers | null
  readonly responseBody: Uint8Array | null
  /** Per-request data this plugin may read. */
  readonly context: ReadonlyMap<string, Uint8Array> | null
  /** As `FieldSource`, for an input that has the bytes: its headers are made when somebody asks for them. */
  putLines?(message: number, target: Buffer, at: number, room: number): number
}

/** Nothing writes to it: a call changes a copy. */
const NO_HEADERS = new Headers()

/** The input of a phase that belongs to no request. */
export function emptyInput(phase: Phase, requestId = ''): GuestInput {
  return {
    phase,
    method: '',
    path: '',
    query: '',
    scheme: '',
    host: '',
    clientAddress: '',
    route: '',
    requestId,
    protocol: '',
    requestHeaders: NO_HEADERS,
    requestBody: null,
    status: 0,
    responseHeaders: null,
    responseBody: null,
    context: null,
  }
}
