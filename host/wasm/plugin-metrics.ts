import { histogramSamples, type MetricFamily, type Sample } from '../observe/metrics.ts'
import { type PluginMonitor, RUN_SECONDS_BUCKETS } from './plugin-monitor.ts'

/** The metrics of plugins, per filter and plugin version. */
export function pluginMetrics(
  monitors: () => Iterable<PluginMonitor>,
  pool: () => { readonly threads: number; readonly replacedThreads: number },
): MetricFamily[] {
  const each = (sample: (monitor: PluginMonitor) => Sample[]): Sample[] =>
    [...monitors()].flatMap(sample)
  return [
    {
      name: 'penstock_plugin_calls_total',
      help: 'Calls of a plugin by what they came to: next, result, replied or failed.',
      type: 'counter',
      collect: () =>
        each((monitor) =>
          Object.entries(monitor.calls).map(([result, value]) => ({
            labels: { ...labelsOf(monitor), result },
            value,
          })),
        ),
    },
    {
      name: 'penstock_plugin_traps_total',
      help: 'Calls of a plugin that failed, by reason.',
      type: 'counter',
      collect: () =>
        each((monitor) =>
          [...monitor.failures].map(([reason, value]) => ({
            labels: { ...labelsOf(monitor), reason },
            value,
          })),
        ),
    },
    {
      name: 'penstock_plugin_duration_seconds',
      help: 'Running time of the guest in one call, without queueing.',
      type: 'histogram',
      collect: () =>
        each((monitor) =>
          histogramSamples(
            labelsOf(monitor),
            RUN_SECONDS_BUCKETS,
            monitor.buckets,
            monitor.runSeconds,
          ),
        ),
    },
    {
      name: 'penstock_plugin_generations',
      help: 'Generations of filters that use the plugin version now.',
      type: 'gauge',
      collect: () => each((monitor) => [{ labels: labelsOf(monitor), value: monitor.users }]),
    },
    {
      name: 'penstock_plugin_threads',
      help: 'Threads plugins run in, without the spare.',
      type: 'gauge',
      collect: () => [{ labels: {}, value: pool().threads }],
    },
    {
      name: 'penstock_plugin_threads_replaced_total',
      help: 'Threads that were ended because a guest ran past its time.',
      type: 'counter',
      collect: () => [{ labels: {}, value: pool().replacedThreads }],
    },
  ]
}

function labelsOf(monitor: PluginMonitor): Record<string, string> {
  const { pipeline, filter, plugin, version, digest } = monitor
  return { pipeline, filter, plugin, version, digest: digest.slice(0, 'sha256:'.length + 12) }
}
