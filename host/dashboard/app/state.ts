import { computed, signal } from '@preact/signals'
import type {
  ExchangeRecord,
  ExchangeSummary,
  LiveEvent,
  Notice,
  StepSummary,
} from '../../inspect/record.ts'
import {
  ApiError,
  clearExchanges,
  fetchAbout,
  fetchExchange,
  followEvents,
  forgetKey,
  hasKey,
} from './api.ts'

export type Connection = 'connecting' | 'live' | 'lost' | 'denied'

/** What is shown of an exchange: a step by its index, or one of its two ends. */
export type Part = number | 'received' | 'sent'

/** The most exchanges the list holds, as many as the gateway keeps. */
const MAX_LISTED = 200

/** Time before a lost connection is tried again. */
const RECONNECT_MS = 1_000

/** How long a notice of something that went well stays. */
const NEWS_MS = 10_000

export const connection = signal<Connection>('connecting')
export const servers = signal<readonly { readonly name: string; readonly port: number }[]>([])
/** The newest first. */
export const exchanges = signal<readonly ExchangeSummary[]>([])
export const isPaused = signal(false)
/** Exchanges that came while the list stood still. */
export const heldBack = signal<readonly ExchangeSummary[]>([])
export const notice = signal<Notice | null>(null)
export const selectedId = signal<string | null>(null)
export const record = signal<ExchangeRecord | null>(null)
export const part = signal<Part>('received')
/** A short message about what was done, and how it went. */
export const toast = signal<{ readonly text: string; readonly isBad: boolean } | null>(null)
/** A text to look at, over the page. */
export const shownText = signal<{ readonly title: string; readonly text: string } | null>(null)

export const pathFilter = signal('')
export const statusFilter = signal('')
export const resultFilter = signal('')

/** What can be chosen in the filter of results: `changed`, `failed`, and `filter: result` as they occurred. */
export const knownResults = computed(() => {
  const found = new Set<string>()
  for (const { steps } of exchanges.value) for (const step of steps) found.add(resultOf(step))
  found.delete('')
  return [...found].toSorted()
})

export const listed = computed(() => {
  const path = pathFilter.value.trim().toLowerCase()
  const [status, result] = [statusFilter.value, resultFilter.value]
  return exchanges.value.filter(
    (one) =>
      (path === '' || `${one.method} ${one.target}`.toLowerCase().includes(path)) &&
      (status === '' || statusGroup(one) === status) &&
      (result === '' || one.steps.some((step) => hasResult(step, result))),
  )
})

function statusGroup(one: ExchangeSummary): string {
  return one.state === 'done' ? `${Math.floor(one.status / 100)}xx` : one.state
}

function hasResult(step: StepSummary, result: string): boolean {
  if (result === 'changed') return step.hasChanged
  if (result === 'failed') return step.hasFailed
  return resultOf(step) === result
}

function resultOf({ label, result }: StepSummary): string {
  return result === null ? '' : `${label}: ${result}`
}

/** Follows what happens for as long as the page is open. */
export async function follow(): Promise<void> {
  for (;;) {
    if (!hasKey()) connection.value = 'denied'
    else {
      try {
        servers.value = (await fetchAbout()).servers
        await followEvents(take)
        connection.value = 'lost'
      } catch (error) {
        // The gateway was started again: it has another key.
        const isDenied = error instanceof ApiError && error.code === 'ADMIN_UNAUTHORIZED'
        if (isDenied) forgetKey()
        connection.value = isDenied ? 'denied' : 'lost'
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
  }
}

function take(event: LiveEvent): void {
  switch (event.type) {
    case 'start':
      connection.value = 'live'
      exchanges.value = event.exchanges
      heldBack.value = []
      showNotice(event.notices.at(-1) ?? null)
      refreshRecord()
      return
    case 'exchanges':
      if (isPaused.value) heldBack.value = merge(heldBack.value, event.exchanges)
      else exchanges.value = merge(exchanges.value, event.exchanges)
      if (event.exchanges.some(({ id }) => id === selectedId.value)) refreshRecord()
      return
    case 'notice':
      showNotice(event.notice)
      return
    case 'cleared':
      exchanges.value = []
      heldBack.value = []
      select(null)
  }
}

/** What went well is news for a moment; what did not stays until it is mended. */
function showNotice(what: Notice | null): void {
  const ageMs = what === null ? 0 : Date.now() - Date.parse(what.at)
  const isOld = what?.kind === 'live' && ageMs > NEWS_MS
  notice.value = isOld ? null : what
  if (what?.kind !== 'live' || isOld) return
  setTimeout(() => {
    if (notice.value === what) notice.value = null
  }, NEWS_MS - ageMs)
}

function merge(
  old: readonly ExchangeSummary[],
  fresh: readonly ExchangeSummary[],
): readonly ExchangeSummary[] {
  const all = new Map(old.map((one) => [one.id, one]))
  for (const one of fresh) all.set(one.id, one)
  return [...all.values()].toSorted((a, b) => b.number - a.number).slice(0, MAX_LISTED)
}

export function togglePause(): void {
  isPaused.value = !isPaused.value
  if (isPaused.value) return
  exchanges.value = merge(exchanges.value, heldBack.value)
  heldBack.value = []
}

export function select(id: string | null): void {
  if (selectedId.value === id) return
  selectedId.value = id
  record.value = null
  part.value = 'received'
  refreshRecord()
}

/** Shows the exchange `step` places further down the list. */
export function selectBy(step: number): void {
  const list = listed.value
  const at = list.findIndex(({ id }) => id === selectedId.value)
  const next = list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + step))]
  if (next !== undefined) select(next.id)
}

/** Shows the part `step` places further down the exchange. */
export function selectPartBy(step: number): void {
  const shown = record.value
  if (shown === null) return
  const parts: Part[] = ['received', ...shown.steps.map(({ index }) => index), 'sent']
  const at = parts.indexOf(part.value)
  part.value = parts[Math.min(parts.length - 1, Math.max(0, at + step))] ?? 'received'
}

function refreshRecord(): void {
  const id = selectedId.value
  if (id === null) return
  const isFirst = record.value === null
  fetchExchange(id).then(
    (found) => {
      if (selectedId.value !== id) return
      record.value = found
      if (isFirst) part.value = mostTelling(found)
    },
    (error: unknown) => say(error),
  )
}

/** The step that failed, else the first that changed something, else what was received. */
function mostTelling({ steps }: ExchangeRecord): Part {
  const failed = steps.find((step) => step.failure !== null)
  const changed = steps.find(
    ({ request, response }) =>
      request[0] !== request[1] || (response[0] !== response[1] && response[0] >= 0),
  )
  return (failed ?? changed)?.index ?? 'received'
}

/** Shows a message for a few seconds. */
export function say(what: unknown): void {
  const isBad = what instanceof Error
  const shown = { text: isBad ? what.message : String(what), isBad }
  toast.value = shown
  setTimeout(() => {
    if (toast.value === shown) toast.value = null
  }, 6_000)
}

export async function clearAll(): Promise<void> {
  await clearExchanges()
}
