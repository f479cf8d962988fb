import type { ExchangeRecord, StepRecord } from '../../inspect/record.ts'
import { FailureView } from './failure-view.tsx'
import { RequestDiff, ResponseDiff } from './message-diff.tsx'

interface Shown {
  readonly shown: ExchangeRecord
}

/** What one filter did: why it failed, what it changed, what it logged. */
export function StepView({ shown, step }: Shown & { step: StepRecord }) {
  const { request, response, logs, failure, plugin } = step
  const [from, to] = [shown.responses[response[0]], shown.responses[response[1]]]
  return (
    <>
      <h3 class="step-title">
        {step.label} <small>{step.kind}</small>
        {plugin !== null && <small>{plugin}</small>}
        {step.isOwed && <small>response phase, after the flow</small>}
      </h3>
      {failure !== null && <FailureView failure={failure} />}
      {logs.length > 0 && <Logs logs={logs} />}
      <RequestDiff before={shown.requests[request[0]]} after={shown.requests[request[1]]} />
      {to === undefined && from === undefined ? null : <ResponseDiff before={from} after={to} />}
    </>
  )
}

/** The request before any filter saw it. */
export function ReceivedView({ shown }: Shown) {
  const first = shown.requests[0]
  return (
    <>
      <h3 class="step-title">
        As received <small>from {shown.remoteAddress}</small>{' '}
        <small>
          {shown.scheme.toUpperCase()}/{shown.httpVersion}
        </small>
      </h3>
      <RequestDiff before={first} after={first} />
    </>
  )
}

/** The response when every filter was done with it. */
export function SentView({ shown }: Shown) {
  const last = shown.responses[shown.finalResponse]
  return (
    <>
      <h3 class="step-title">
        As sent <small>to {shown.remoteAddress}</small>
      </h3>
      {last === undefined ? <p>No response yet.</p> : <ResponseDiff before={last} after={last} />}
    </>
  )
}

function Logs({ logs }: { logs: StepRecord['logs'] }) {
  return (
    <section class="logs" aria-label="Log of the plugin">
      <h4>Log</h4>
      <ol>
        {logs.map(({ level, message }, index) => (
          <li key={index} class={level}>
            <span class="level">{level}</span> <span>{message}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
