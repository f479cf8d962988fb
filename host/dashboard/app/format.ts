/** `0.42 ms`, `12 ms`, `1.3 s`; "…" while it runs. */
export function formatMs(ms: number | null): string {
  if (ms === null) return '…'
  if (ms < 1) return `${ms.toFixed(2)} ms`
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

/** `14:03:07`, in the time zone of whoever looks. */
export function formatTime(iso: string): string {
  return new Date(iso).toLocaleTimeString(undefined, { hour12: false })
}

/** `2xx`, or `running` and `broken` for what has no status worth counting. */
export function statusClass(status: number, state: 'running' | 'done' | 'broken'): string {
  if (state !== 'done') return state
  return `${Math.floor(status / 100)}xx`
}

/** What a step did, in a word. */
export function outcomeOf(step: {
  readonly hasFailed: boolean
  readonly hasAnswered: boolean
  readonly hasChanged: boolean
}): 'failed' | 'answered' | 'changed' | 'same' {
  if (step.hasFailed) return 'failed'
  if (step.hasAnswered) return 'answered'
  return step.hasChanged ? 'changed' : 'same'
}
