import { monotonicMs } from '../clock.ts'
import { reasonOf } from '../errors.ts'
import type { Exchange, MessageScope } from '../exchange/exchange.ts'
import { INTERNAL, type Span } from '../observe/tracing/span.ts'

/**
 * Notes the steps of one flow, for the access log and for the trace of the request; made only when one of
 * them asks. Steps of a flow run one after another: only one is open.
 */
export class FlowTrace {
  readonly #isTimed: boolean
  /** The flow itself; null when the request is not sampled. */
  readonly #flow: Span | null
  #text = ''
  #label = ''
  #startedAtMs = 0
  #step: Span | null = null

  constructor(isTimed: boolean, flow: Span | null) {
    this.#isTimed = isTimed
    this.#flow = flow
  }

  /** A step begins: what it sends upstream is a part of it. */
  begin(label: string, scope: MessageScope): void {
    this.#label = label
    this.#startedAtMs = monotonicMs()
    if (this.#flow === null) return
    this.#step = this.#flow.child(INTERNAL, label, this.#startedAtMs)
    scope.span = this.#step
  }

  /** It has ended with this result. */
  end(result: string | undefined, scope: MessageScope): void {
    const nowMs = monotonicMs()
    if (this.#isTimed) this.#note(result, nowMs - this.#startedAtMs)
    if (this.#step === null) return
    if (result !== undefined && result !== '') this.#step.set('penstock.result', result)
    this.#endStep(nowMs, scope)
  }

  /** It has thrown. */
  fail(error: unknown, scope: MessageScope): void {
    if (this.#step === null) return
    this.#step.error = reasonOf(error)
    this.#endStep(monotonicMs(), scope)
  }

  /** The flow has ended. */
  close(): void {
    this.#flow?.end(monotonicMs())
  }

  /** `a(12µs)->b(invalid,3µs)` */
  get text(): string {
    return this.#text
  }

  #note(result: string | undefined, ms: number): void {
    const shown = result === undefined || result === '' ? '' : `${result},`
    this.#text += `${this.#text === '' ? '' : '->'}${this.#label}(${shown}${formatSpan(ms)})`
  }

  #endStep(nowMs: number, scope: MessageScope): void {
    this.#step?.end(nowMs)
    this.#step = null
    scope.span = null
  }
}

/** For a flow called `name` inside of `parent`; null when nobody wants to know its steps. */
export function traceFlow(exchange: Exchange, parent: Span | null, name: string): FlowTrace | null {
  if (!exchange.isTimed && parent === null) return null
  const flow = parent === null ? null : parent.child(INTERNAL, name, monotonicMs())
  return new FlowTrace(exchange.isTimed, flow)
}

/** As Go prints a duration, in the unit that fits, at most three digits after the point. */
export function formatSpan(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1_000)}µs`
  return ms < 1_000 ? `${Math.round(ms * 1_000) / 1_000}ms` : `${Math.round(ms) / 1_000}s`
}
