import { useEffect, useRef } from 'preact/hooks'
import { say, shownText } from './state.ts'

/** A text over the page: what was written, or what could not be copied. */
export function TextDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const shown = shownText.value
  useEffect(() => {
    if (shown !== null) dialog.current?.showModal()
    else dialog.current?.close()
  }, [shown])
  const close = (): void => {
    shownText.value = null
  }
  const copy = (): void => {
    navigator.clipboard.writeText(shown?.text ?? '').then(
      () => say('Copied'),
      () => say(new Error('The browser keeps the clipboard to itself: select the text')),
    )
  }
  return (
    <dialog ref={dialog} onClose={close} aria-label={shown?.title ?? ''}>
      {shown !== null && (
        <>
          <h2 class="title">{shown.title}</h2>
          <pre class="text">{shown.text}</pre>
          <div class="actions">
            <button type="button" onClick={copy}>
              Copy
            </button>
            <button type="button" class="primary" onClick={close}>
              Close
            </button>
          </div>
        </>
      )}
    </dialog>
  )
}
