import { error } from './log.ts'

let problems: string[] = []

/**
 * Refuses the filter's configuration: call it while the filter is made. Every reason is reported, then
 * the filter does not start, and a running older version of it goes on.
 *
 *     constructor() {
 *       super()
 *       if (this.limit < 1) refuse('limit: must be at least 1')
 *     }
 */
export function refuse(reason: string): void {
  problems.push(reason)
}

/** 0 when nothing was refused; else logs every reason as one line and returns 1. */
export function reportProblems(): i32 {
  if (problems.length == 0) return 0
  error(problems.join('; '))
  problems = []
  return 1
}
