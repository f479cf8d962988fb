import { referenceKinds } from './kinds.ts'
import { laterKinds } from './lookup.ts'
import { differencesPage, referenceIndex, referencePage } from './page.ts'
import { templatePage } from './template-page.ts'

/** All files of `docs/reference`, by name: a page for each kind, and those that go over all kinds. */
export function referencePages(): ReadonlyMap<string, string> {
  const kinds = referenceKinds()
  const pages = new Map([
    ['README.md', referenceIndex(kinds, laterKinds())],
    ['from-easegress.md', differencesPage(kinds)],
    ['templates.md', templatePage()],
  ])
  for (const kind of kinds) pages.set(`${kind.kind}.md`, referencePage(kind))
  return pages
}
