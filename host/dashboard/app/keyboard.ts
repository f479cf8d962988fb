import { copyAsCurl, makeTest, sendAgain } from './actions.ts'
import { select, selectBy, selectPartBy, shownText } from './state.ts'

/** The keys, as the page lists them. */
export const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['↑ ↓', 'requests'],
  ['← →', 'filters'],
  ['/', 'search'],
  ['C', 'copy as curl'],
  ['R', 'replay'],
  ['T', 'make a test'],
  ['Esc', 'close'],
]

const ACTIONS: Readonly<Record<string, () => unknown>> = {
  ArrowDown: () => selectBy(1),
  ArrowUp: () => selectBy(-1),
  j: () => selectBy(1),
  k: () => selectBy(-1),
  ArrowRight: () => selectPartBy(1),
  ArrowLeft: () => selectPartBy(-1),
  '/': () => document.getElementById('search')?.focus(),
  c: copyAsCurl,
  r: sendAgain,
  t: makeTest,
  Escape: () => select(null),
}

/** Keys work everywhere but where text is typed, and never together with a modifier: those are the browser's. */
export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || shownText.value !== null) return
    const { target } = event
    if (target instanceof HTMLElement && target.closest('input, select, textarea') !== null) {
      if (event.key !== 'Escape') return
      // Leaves the field and keeps what was typed; the browser would empty it and tell nobody.
      event.preventDefault()
      target.blur()
      return
    }
    // A region that scrolls needs the arrows for itself.
    if (event.key.startsWith('Arrow') && isScroller(target)) return
    const action = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  })
}

function isScroller(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.classList.contains('panel')
}
