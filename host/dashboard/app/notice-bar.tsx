import { formatTime } from './format.ts'
import { notice } from './state.ts'

/** The last thing that happened to the plugins; a failure stays until it is mended. */
export function NoticeBar() {
  const shown = notice.value
  if (shown === null) return null
  const [first = '', ...rest] = shown.text.split('\n')
  return (
    <section class={`notice ${shown.kind}`} aria-label="The last change of a plugin">
      <p role={shown.kind === 'failed' ? 'alert' : 'status'}>
        <time dateTime={shown.at}>{formatTime(shown.at)}</time> {first}
      </p>
      {rest.length > 0 && <pre>{rest.join('\n')}</pre>}
    </section>
  )
}
