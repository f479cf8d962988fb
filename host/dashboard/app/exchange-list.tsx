import { useEffect, useRef } from 'preact/hooks'
import type { ExchangeSummary, StepSummary } from '../../inspect/record.ts'
import { formatMs, formatTime, outcomeOf, statusClass } from './format.ts'
import { exchanges, listed, select, selectedId, servers } from './state.ts'

/** The requests, the newest first. */
export function ExchangeList() {
  const shown = listed.value
  return (
    <nav class="list" aria-label="Requests">
      {shown.length === 0 ? <Empty /> : null}
      <ol>
        {shown.map((one) => (
          <Entry key={one.id} exchange={one} isSelected={one.id === selectedId.value} />
        ))}
      </ol>
    </nav>
  )
}

function Empty() {
  if (exchanges.value.length > 0) return <p class="empty">No request fits the filters.</p>
  return (
    <div class="empty">
      <p>No request yet. Send one:</p>
      {servers.value.map(({ name, port }) => (
        <pre key={name}>curl -i http://127.0.0.1:{port}/</pre>
      ))}
    </div>
  )
}

function Entry({ exchange, isSelected }: { exchange: ExchangeSummary; isSelected: boolean }) {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (isSelected) button.current?.scrollIntoView({ block: 'nearest' })
  }, [isSelected])
  const { method, target, status, state, durationMs, startedAt, steps, replayOf } = exchange
  return (
    <li>
      <button
        ref={button}
        type="button"
        class="entry"
        aria-current={isSelected}
        onClick={() => select(exchange.id)}
      >
        <span class={`status s${statusClass(status, state)}`}>
          {state === 'running' ? '…' : status === 0 ? '×' : status}
        </span>
        <span class="method">{method}</span>
        <span class="target" title={target}>
          {target}
        </span>
        <span class="when">
          <time dateTime={startedAt}>{formatTime(startedAt)}</time>
          {replayOf === null ? '' : ' · replay'}
        </span>
        <span class="chips">
          {steps.map((step, index) => (
            <Chip key={index} step={step} />
          ))}
        </span>
        <span class="duration">{formatMs(durationMs)}</span>
      </button>
    </li>
  )
}

/** A step in short: its result when it has one, else a mark that tells whether it changed something. */
function Chip({ step }: { step: StepSummary }) {
  const { label, kind, result, durationMs } = step
  const what = outcomeOf(step)
  const title = `${label} (${kind}): ${result ?? what}, ${formatMs(durationMs)}`
  return (
    <span class={`chip ${what}`} title={title}>
      <span class="hidden">{`${label} ${what} `}</span>
      {result ?? ''}
    </span>
  )
}
