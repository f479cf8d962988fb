/** Bytes that serve no request which a client may send at once. */
export const BURST_BYTES = 128 * 1024

/** What it may send of them each second after that. */
export const BYTES_PER_SECOND = 16 * 1024

/** What a client may send about the flow of an answer: a share of its bytes. */
export const SHARE_OF_SENT = 4

/**
 * Notices that a client keeps us busy with frames that carry nothing: SETTINGS, PING, PRIORITY, WINDOW_UPDATE,
 * unknown ones, a header that never ends (CVE-2019-9511 and its like, CVE-2024-27316). Node shows few of them,
 * so bytes are counted: what has arrived, less what has become a request or a part of one.
 */
export class IdleBytes {
  #budget = BURST_BYTES
  #lastMs: number
  #received = 0
  #useful = 0
  #sent = 0

  constructor(nowMs: number) {
    this.#lastMs = nowMs
  }

  /** `bytes` that arrived have served a request. */
  used(bytes: number): void {
    this.#useful += bytes
  }

  /** `received` and `sent` are the bytes of the connection so far. */
  isTooMuch(nowMs: number, received: number, sent: number): boolean {
    const idle = received - this.#received - this.#useful
    const earned =
      ((nowMs - this.#lastMs) / 1000) * BYTES_PER_SECOND + (sent - this.#sent) / SHARE_OF_SENT
    this.#lastMs = nowMs
    this.#received = received
    this.#sent = sent
    this.#useful = 0
    this.#budget = Math.min(this.#budget - idle + earned, BURST_BYTES)
    return this.#budget < 0
  }
}
