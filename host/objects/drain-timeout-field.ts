import { duration } from '../config/schema.ts'

/** `drainTimeout` of a Pipeline and of a GlobalFilter. */
export function drainTimeout() {
  return duration()
    .prefault(0)
    .describe(
      'How long a former generation waits, after a change, for requests that are still in it; past it its plugins are not run for them any more. 0 is as long as they take. Past 16 generations the oldest is not waited for in any case.',
    )
}
