import type { MetricFamily } from '../observe/metrics.ts'
import type { Supervisor } from './supervisor.ts'

/** What Prometheus sees of generations: an old one lives until the phases of its last exchange have run. */
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
        { labels: { state: 'retiring' }, value: supervisor.retiring.count },
      ],
    },
    {
      name: 'penstock_generations_ended_total',
      help: 'Old generations that were ended with exchanges in them: past their number, or past drainTimeout.',
      type: 'counter',
      collect: () => [
        { labels: { reason: 'limit' }, value: supervisor.retiring.ended.limit },
        { labels: { reason: 'drainTimeout' }, value: supervisor.retiring.ended.drainTimeout },
      ],
    },
  ]
}
