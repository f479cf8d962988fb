import { storeKey } from './api.ts'

/** What is shown to a tab without a key, or with that of a gateway that has ended. */
export function KeyForm() {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    // The whole address is as good as the key that stands in it.
    const text = String(form.get('key'))
      .trim()
      .replace(/^.*#key=/, '')
    if (text !== '') {
      storeKey(text)
      location.reload()
    }
  }
  return (
    <form class="key-form" onSubmit={submit}>
      <h1>Penstock inspector</h1>
      <p>
        Open the address that <code>penstock dev</code> has printed, or paste it here. It holds a
        key that is new each time the gateway starts.
      </p>
      <label for="key">Address or key</label>
      <input id="key" name="key" type="password" autocomplete="off" required />
      <button type="submit" class="primary">
        Look inside
      </button>
    </form>
  )
}
