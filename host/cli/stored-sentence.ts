import { shortDigest } from './plugin-target.ts'
import type { StoredOutcomeReply } from './replies.ts'

/** What became of a stored plugin, for people. */
export function storedSentence(
  { name, version, digest, isNew, promoted, percent, reloaded }: StoredOutcomeReply,
  done: 'stored' | 'promoted' | 'rolled back',
): string {
  const shown = `${name}@${version} (${shortDigest(digest)})`
  const where = reloaded.length === 0 ? '' : ` in ${reloaded.join(', ')}`
  if (percent !== null) {
    return `${shown} is tried on ${percent}% of the clients${where}; the others stay with ${promoted}`
  }
  if (done === 'rolled back') return `${name} is back at ${version}${where}`
  if (done === 'promoted') return `${name} runs ${version} now${where}`
  const stored = isNew ? `${shown} is stored` : `${shown} was stored already`
  return promoted === version
    ? `${stored} and promoted: filters that say plugin: ${name} run it`
    : `${stored}; ${name} still runs ${promoted}, until "penstock plugin promote ${name}@${version}"`
}
