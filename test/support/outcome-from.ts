import { ChangeLog } from '../../host/wasm/change-log.ts'
import type { Executor, GuestItem, GuestOutcome } from '../../host/wasm/executor.ts'

/** Gives `item` to `executor`. What it is promised is the test's to keep, changes and all. */
export function outcomeFrom(
  executor: Pick<Executor, 'submit'>,
  item: GuestItem,
): Promise<GuestOutcome> {
  return new Promise((resolve) => {
    const listener = { onOutcome: (late: GuestOutcome) => resolve(kept(late)) }
    const outcome = executor.submit(item, listener)
    if (outcome !== null) resolve(kept(outcome))
  })
}

function kept(outcome: GuestOutcome): GuestOutcome {
  const { changes } = outcome
  return changes === null ? outcome : { ...outcome, changes: ChangeLog.of(changes.entries()) }
}
