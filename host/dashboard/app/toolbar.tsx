import {
  clearAll,
  connection,
  heldBack,
  isPaused,
  knownResults,
  pathFilter,
  resultFilter,
  say,
  statusFilter,
  togglePause,
} from './state.ts'

const CONNECTIONS = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'connection lost, trying again …',
  denied: 'no key',
} as const

const STATUSES = ['2xx', '3xx', '4xx', '5xx', 'running', 'broken']

/** The head of the page: connection, filters of the list, pause and clear. */
export function Toolbar() {
  const state = connection.value
  return (
    <header class="toolbar">
      <h1>
        Penstock <span>inspector</span>
      </h1>
      <p class={`connection ${state}`} role="status">
        <i aria-hidden="true" />
        {isPaused.value ? `paused, ${heldBack.value.length} waiting` : CONNECTIONS[state]}
      </p>
      <search>
        <input
          id="search"
          type="search"
          placeholder="Method or path"
          aria-label="Show only requests whose method or path contains"
          value={pathFilter.value}
          onInput={(event) => {
            pathFilter.value = event.currentTarget.value
          }}
        />
        <select
          aria-label="Show only requests with this status"
          value={statusFilter.value}
          onChange={(event) => {
            statusFilter.value = event.currentTarget.value
          }}
        >
          <option value="">Any status</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {status}
            </option>
          ))}
        </select>
        <select
          aria-label="Show only requests in which a filter had this result"
          value={resultFilter.value}
          onChange={(event) => {
            resultFilter.value = event.currentTarget.value
          }}
        >
          <option value="">Any result</option>
          <option value="changed">changed something</option>
          <option value="failed">failed</option>
          {knownResults.value.map((result) => (
            <option key={result} value={result}>
              {result}
            </option>
          ))}
        </select>
      </search>
      <button type="button" aria-pressed={isPaused.value} onClick={togglePause}>
        {isPaused.value ? 'Go on' : 'Pause'}
      </button>
      <button type="button" onClick={() => void clearAll().catch(say)}>
        Clear
      </button>
    </header>
  )
}
