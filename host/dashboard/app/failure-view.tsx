import type { FailureRecord } from '../../inspect/record.ts'

/** Why a plugin failed, with the line of its source. */
export function FailureView({ failure }: { failure: FailureRecord }) {
  const { message, at, places, source } = failure
  const rest = places.filter((place) => place !== at)
  return (
    <section class="failure" aria-label="Failure">
      <h4>{message}</h4>
      {at !== null && <p class="place">{at}</p>}
      {source !== null && (
        <pre class="source">
          {source.lines.map(({ number, text }) => (
            <span key={number} class={number === source.line ? 'line here' : 'line'}>
              <i>{String(number).padStart(4)}</i> {text}
              {'\n'}
              {number === source.line && source.column > 0 && (
                <b class="caret">
                  {' '.repeat(5)}
                  {text.slice(0, source.column - 1).replace(/[^\t]/g, ' ')}^{'\n'}
                </b>
              )}
            </span>
          ))}
        </pre>
      )}
      {rest.length > 0 && (
        <details>
          <summary>The stack, innermost first</summary>
          <ol>
            {places.map((place, index) => (
              <li key={index}>{place}</li>
            ))}
          </ol>
        </details>
      )}
    </section>
  )
}
