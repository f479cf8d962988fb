import type { ValidObject } from './validate.ts'

/** What has to be done to get from the objects that run to the objects that are wanted. */
export interface Diff {
  readonly created: readonly ValidObject[]
  readonly updated: readonly ValidObject[]
  readonly deleted: readonly ValidObject[]
}

/**
 * Compares by name and by what was written. `reloads` are names to make anew though their text is the
 * same: what they are made from, a module for instance, has changed.
 */
export function diffObjects(
  current: ReadonlyMap<string, ValidObject>,
  wanted: ReadonlyMap<string, ValidObject>,
  reloads: ReadonlySet<string>,
): Diff {
  const created: ValidObject[] = []
  const updated: ValidObject[] = []
  for (const object of wanted.values()) {
    const running = current.get(object.name)
    if (running === undefined) created.push(object)
    else if (reloads.has(object.name) || !isSame(running, object)) updated.push(object)
  }
  const deleted = [...current.values()].filter((object) => !wanted.has(object.name))
  return { created, updated, deleted }
}

/** The same for a change that names what it touches: everything else stays. */
export function diffChange(
  current: (name: string) => ValidObject | undefined,
  objects: readonly ValidObject[],
  deleted: readonly string[],
): Diff {
  const created: ValidObject[] = []
  const updated: ValidObject[] = []
  for (const object of objects) {
    const running = current(object.name)
    if (running === undefined) created.push(object)
    else if (!isSame(running, object)) updated.push(object)
  }
  const gone = deleted.flatMap((name) => current(name) ?? [])
  return { created, updated, deleted: gone }
}

/** By what was written with references replaced: a changed variable is a change too. */
function isSame(a: ValidObject, b: ValidObject): boolean {
  // Most objects of a change were not even validated again.
  if (a === b) return true
  return (
    a.kind === b.kind &&
    a.baseDir === b.baseDir &&
    JSON.stringify(a.resolved) === JSON.stringify(b.resolved)
  )
}
