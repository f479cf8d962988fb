import type { AdminServices } from '../route.ts'
import { API_PREFIX, defineRoutes, type Reply } from '../route.ts'

/** Metrics for Prometheus, under its own usual path and under the one Easegress has. */
export const metricsRoutes = defineRoutes(
  'metrics',
  ['/metrics', `${API_PREFIX}/metrics`].map((path) => ({
    method: 'GET' as const,
    path,
    summary: "every metric in Prometheus's text format",
    handle: ({ services }: { services: AdminServices }): Promise<Reply> => answer(services),
  })),
)

async function answer({ metrics }: AdminServices): Promise<Reply> {
  return {
    status: 200,
    text: await metrics(),
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  }
}
