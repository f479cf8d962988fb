/*
 * What the entry that `penstock build` makes is written with. No filter imports this.
 */
import { Body } from './body.ts'
import { liveBytes } from './heap.ts'
import { reportProblems } from './problems.ts'
import { Request } from './request.ts'
import { Response } from './response.ts'
import { declareResults, Result } from './result.ts'

export { declareResults, liveBytes, reportProblems }

/** The messages of the phase that runs; they hold no data, only ask the host. */
export const request: Request = new Request()
export const response: Response = new Response(request)
export const requestBody: Body = new Body(0)
export const responseBody: Body = new Body(1)

/** What a phase returns to the host. */
export function finish(outcome: Result): i32 {
  return outcome.index
}
