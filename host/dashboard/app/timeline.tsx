import type { ExchangeRecord, StepRecord } from '../../inspect/record.ts'
import { formatMs, outcomeOf } from './format.ts'
import { type Part, part } from './state.ts'

/** The filters in the order they ran, each with the time it took. */
export function Timeline({ shown }: { shown: ExchangeRecord }) {
  const total = Math.max(
    shown.durationMs ?? 0,
    ...shown.steps.map((step) => step.startMs + (step.durationMs ?? 0)),
    0.001,
  )
  return (
    <div class="timeline" role="tablist" aria-label="Filters in order" aria-orientation="vertical">
      <Row is="received" name="Received" note="from the client" />
      {shown.steps.map((step) => (
        <StepRow key={step.index} step={step} total={total} />
      ))}
      <Row is="sent" name="Sent" note="to the client" />
    </div>
  )
}

function Row({ is, name, note }: { is: Part; name: string; note: string }) {
  return (
    <Tab is={is} className="end">
      <span class="name">{name}</span>
      <span class="kind">{note}</span>
    </Tab>
  )
}

function StepRow({ step, total }: { step: StepRecord; total: number }) {
  const { label, kind, phase, isOwed, durationMs, result, failure } = step
  const [before, after] = step.response
  const what = outcomeOf({
    hasFailed: failure !== null,
    hasAnswered: before < 0 && after >= 0,
    hasChanged: step.request[0] !== step.request[1] || (before >= 0 && before !== after),
  })
  const length = Math.max(0.6, ((durationMs ?? 0) / total) * 100)
  const start = Math.min(100 - length, (step.startMs / total) * 100)
  return (
    <Tab is={step.index} className={what}>
      <span class="name">
        <span class="phase" title={`on the ${phase}${isOwed ? ', after the flow' : ''}`}>
          {phase === 'request' ? '→' : '←'}
        </span>{' '}
        {label}
      </span>
      <span class="kind">{kind}</span>
      <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect x={start} width={length} y="0" height="8" />
      </svg>
      <span class="time">{formatMs(durationMs)}</span>
      <span class="result">{result ?? what}</span>
    </Tab>
  )
}

function Tab({
  is,
  className,
  children,
}: {
  is: Part
  className: string
  children: preact.ComponentChildren
}) {
  const isSelected = part.value === is
  return (
    <button
      type="button"
      role="tab"
      class={className}
      aria-selected={isSelected}
      aria-controls="panel"
      tabIndex={isSelected ? 0 : -1}
      onClick={() => {
        part.value = is
      }}
    >
      {children}
    </button>
  )
}
