import type { MetricFamily } from '../observe/metrics.ts'
import type { Supervisor } from './supervisor.ts'

/** What Prometheus sees of generations: an old one lives until the last exchange that began on it has ended. */
export function generationMetrics(
  supervisor: Pick<Supervisor, 'objects' | 'retiring'>,
): MetricFamily[] {
  return [
    {
      name: 'penstock_generations',
      help: 'Generations of objects that are alive: those that serve, and old ones that wait for their last exchange.',
      type: 'gauge',
      collect: () => [
        { labels: { state: 'serving' }, value: supervisor.objects.size },
        { labels: { state: 'retiring' }, value: supervisor.retiring },
      ],
    },
  ]
}
