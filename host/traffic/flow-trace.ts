/** Notes the steps of one flow for the access log; made only when the log is on. */
export class FlowTrace {
  #text = ''

  /** A step has ended with this result, after so many milliseconds. */
  add(label: string, result: string | undefined, ms: number): void {
    const shown = result === undefined || result === '' ? '' : `${result},`
    this.#text += `${this.#text === '' ? '' : '->'}${label}(${shown}${formatSpan(ms)})`
  }

  /** `a(12µs)->b(invalid,3µs)` */
  get text(): string {
    return this.#text
  }
}

/** As Go prints a duration, in the unit that fits, at most three digits after the point. */
export function formatSpan(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1_000)}µs`
  return ms < 1_000 ? `${Math.round(ms * 1_000) / 1_000}ms` : `${Math.round(ms) / 1_000}s`
}
