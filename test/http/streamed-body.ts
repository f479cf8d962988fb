import { Body } from '../../host/exchange/body.ts'

const nothing = (): undefined => undefined

/** A body whose producer is told to pause by `pause`, and has nothing to pause without it. */
export function streamedBody(length = -1, pause: () => void = nothing): Body {
  return Body.stream({ resume: nothing, pause, cancel: nothing }, length)
}
