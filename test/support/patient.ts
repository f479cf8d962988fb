import { type Cleanup, startUpstream, type TestUpstream } from './gateway.ts'

/** An upstream whose health a test decides. */
export interface Patient {
  readonly url: string
  readonly requests: TestUpstream['requests']
  /** What it is, and how often it was asked: for its health, and for everything else. */
  readonly state: { isWell: boolean; checks: number; served: number }
}

/** An upstream that is well or not, and answers checks at /health. */
export async function startPatient(cleanup: Cleanup, name: string): Promise<Patient> {
  const state = { isWell: true, checks: 0, served: 0 }
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    if (incoming.url === '/health') {
      state.checks += 1
      outgoing.setHeader('x-name', name)
      outgoing.statusCode = state.isWell ? 200 : 503
      outgoing.end(state.isWell ? 'status: fine' : 'status: ill')
      return
    }
    state.served += 1
    outgoing.statusCode = state.isWell ? 200 : 500
    outgoing.end(name)
  })
  return { url: upstream.url, requests: upstream.requests, state }
}
