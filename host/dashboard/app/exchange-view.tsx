import type { ExchangeRecord } from '../../inspect/record.ts'
import { copyAsCurl, makeTest, sendAgain } from './actions.ts'
import { formatMs, formatTime, statusClass } from './format.ts'
import { formatBytes } from './message-text.ts'
import { part, record, select, selectedId } from './state.ts'
import { ReceivedView, SentView, StepView } from './step-view.tsx'
import { Timeline } from './timeline.tsx'

/** Everything about the exchange that is chosen. */
export function ExchangeView() {
  const shown = record.value
  if (shown === null) {
    return (
      <section class="detail nothing" aria-label="Request">
        <p>{selectedId.value === null ? 'Choose a request on the left.' : 'Loading …'}</p>
      </section>
    )
  }
  const current = part.value
  const step = typeof current === 'number' ? shown.steps[current] : undefined
  return (
    <section class="detail" aria-label="Request">
      <Head shown={shown} />
      <Timeline shown={shown} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by key */}
      <div class="panel" id="panel" role="tabpanel" aria-label="What happened there" tabIndex={0}>
        {step !== undefined ? (
          <StepView key={`${shown.id} ${step.index}`} shown={shown} step={step} />
        ) : current === 'sent' ? (
          <SentView shown={shown} />
        ) : (
          <ReceivedView shown={shown} />
        )}
      </div>
    </section>
  )
}

function Head({ shown }: { shown: ExchangeRecord }) {
  const { method, target, status, state, host, replayOf } = shown
  const canTest = shown.steps.some((step) => step.isTestable)
  return (
    <header class="head">
      <h2>
        <span class={`status s${statusClass(status, state)}`}>
          {state === 'running' ? '…' : status === 0 ? '×' : status}
        </span>{' '}
        <span class="method">{method}</span> <span class="target">{target}</span>
      </h2>
      <div class="actions">
        <button type="button" onClick={() => void copyAsCurl()}>
          Copy as curl
        </button>
        <button type="button" onClick={() => void sendAgain()}>
          Replay
        </button>
        <button
          type="button"
          disabled={!canTest}
          title={canTest ? '' : 'No plugin whose sources are here took part'}
          onClick={() => void makeTest()}
        >
          Make this a test
        </button>
      </div>
      <dl class="facts">
        <Fact name="Host" value={host} />
        <Fact name="Pipeline" value={shown.pipeline === '' ? 'none' : shown.pipeline} />
        <Fact name="Took" value={formatMs(shown.durationMs)} />
        <Fact name="At" value={formatTime(shown.startedAt)} />
        <Fact name="Sent" value={formatBytes(shown.sentBytes)} />
        <Fact name="Request id" value={shown.id} />
        {shown.tags.length > 0 && <Fact name="Tags" value={shown.tags.join(' | ')} />}
        {state === 'broken' && <Fact name="Ended" value="broken off" />}
        {shown.isCut && <Fact name="Recorded" value="in part: it is past a limit" />}
        {replayOf !== null && (
          <div>
            <dt>Replay of</dt>
            <dd>
              <button type="button" class="link" onClick={() => select(replayOf)}>
                {replayOf}
              </button>
            </dd>
          </div>
        )}
      </dl>
    </header>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
