import type { ApplyOutcome } from '../control/control.ts'
import { GatewayError } from '../errors.ts'
import { refusal } from './problem.ts'
import type { Reply } from './route.ts'

/** What a change did. When a generation could not be made, everything was undone: that is a refusal. */
export function outcomeReply(outcome: ApplyOutcome): Reply {
  const { failed } = outcome
  if (failed.length === 0) return { status: 200, data: outcome }
  const names = failed.map(({ name }) => name).join(', ')
  const issues = failed.map(({ name, reason }) => ({
    severity: 'error',
    path: '',
    pointer: '',
    message: reason,
    suggestion: null,
    object: name,
  }))
  return refusal(new GatewayError('ADMIN_APPLY_FAILED', { names }), 422, issues)
}
