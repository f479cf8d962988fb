import type { MetricFamily } from '../../observe/metrics.ts'
import type { Overload } from './overload.ts'

/** What Prometheus sees of an overload. */
export function overloadMetrics(overload: Overload): MetricFamily[] {
  return [
    {
      name: 'penstock_overload_level',
      help: 'How overloaded the process is: 0 not, 1 connections are not kept, 2 requests get 503, 3 connections are closed.',
      type: 'gauge',
      collect: () => [{ labels: {}, value: overload.level }],
    },
    {
      name: 'penstock_overload_shed_total',
      help: 'Requests that got 503 and connections that were closed because of overload.',
      type: 'counter',
      collect: () => [{ labels: {}, value: overload.shed }],
    },
    {
      name: 'penstock_event_loop_delay_seconds',
      help: 'How late timers run: the middle one of the last ten measurements.',
      type: 'gauge',
      collect: () => [{ labels: {}, value: overload.last.loopDelayMs / 1000 }],
    },
  ]
}
