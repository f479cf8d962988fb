import { Agent } from 'node:http'
import { type Answer, fetchFrom } from './gateway.ts'

export interface LoadResult {
  readonly requests: number
  /** What went wrong, a line a failure. */
  readonly failures: string[]
}

/**
 * Steady load: `connections` clients that each keep one connection and ask again as soon as they are
 * answered, until `stop` is called. Nothing is retried: a request that is lost is a failure.
 */
export function startLoad(
  port: number,
  path: string | ((count: number) => string),
  connections: number,
  check: (answer: Answer, path: string) => string | null,
  headersOf: (path: string) => Readonly<Record<string, string>> = () => ({}),
): { stop(): Promise<LoadResult> } {
  let isRunning = true
  let requests = 0
  const failures: string[] = []
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (isRunning) {
      requests += 1
      const target = typeof path === 'string' ? path : path(requests)
      try {
        const wrong = check(
          await fetchFrom(port, target, { agent, headers: headersOf(target) }),
          target,
        )
        if (wrong !== null) failures.push(wrong)
      } catch (error) {
        failures.push(String(error))
      }
    }
    agent.destroy()
  }
  const clients = Array.from({ length: connections }, client)
  return {
    stop: async () => {
      isRunning = false
      await Promise.all(clients)
      return { requests, failures }
    },
  }
}
