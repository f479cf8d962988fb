import { fetchCurl, replay, writeTest } from './api.ts'
import { part, record, say, select, shownText } from './state.ts'

/** What can be done with the exchange that is shown. Each says how it went; none throws. */

export async function copyAsCurl(): Promise<void> {
  await attempt(async (id) => {
    const text = await fetchCurl(id)
    try {
      await navigator.clipboard.writeText(text)
      say('Copied as curl')
    } catch {
      // The browser keeps the clipboard to itself: then by hand.
      shownText.value = { title: 'The same request with curl', text }
    }
  })
}

export async function sendAgain(): Promise<void> {
  await attempt(async (id) => {
    select(await replay(id))
    say('Sent again')
  })
}

/** Of the step that is shown when it can be tested, else of the last one that can. */
export async function makeTest(): Promise<void> {
  await attempt(async (id, shown) => {
    const step = typeof shown === 'number' && record.value?.steps[shown]?.isTestable ? shown : null
    const { path, text } = await writeTest(id, step)
    shownText.value = { title: `Written: ${path}`, text }
  })
}

async function attempt(
  action: (id: string, shown: typeof part.value) => Promise<void>,
): Promise<void> {
  const id = record.value?.id
  if (id === undefined) return
  try {
    await action(id, part.value)
  } catch (error) {
    say(error)
  }
}
