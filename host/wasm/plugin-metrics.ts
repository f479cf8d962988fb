import { histogramSamples, type MetricFamily, type Sample } from '../observe/metrics.ts'
import { FUEL_SAMPLE } from './executor.ts'
import type { Distribution, PluginMonitor } from './plugin-monitor.ts'

/** The metrics of plugins, per filter and plugin version. */
export function pluginMetrics(
  monitors: () => Iterable<PluginMonitor>,
  pool: () => { readonly threads: number; readonly replacedThreads: number },
): MetricFamily[] {
  const each = (sample: (monitor: PluginMonitor) => Sample[]): Sample[] =>
    [...monitors()].flatMap(sample)
  const histogram = (
    name: string,
    help: string,
    of: (monitor: PluginMonitor) => Distribution,
  ): MetricFamily => ({
    name,
    help,
    type: 'histogram',
    collect: () =>
      each((monitor) => {
        const { bounds, counts, sum } = of(monitor)
        return histogramSamples(labelsOf(monitor), bounds, counts, sum)
      }),
  })
  const counter = (
    name: string,
    help: string,
    label: string,
    of: (monitor: PluginMonitor) => Iterable<readonly [string, number]>,
  ): MetricFamily => ({
    name,
    help,
    type: 'counter',
    collect: () =>
      each((monitor) =>
        [...of(monitor)].map(([what, value]) => ({
          labels: { ...labelsOf(monitor), [label]: what },
          value,
        })),
      ),
  })
  const gauge = (
    name: string,
    help: string,
    of: (monitor: PluginMonitor) => number,
  ): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    collect: () => each((monitor) => [{ labels: labelsOf(monitor), value: of(monitor) }]),
  })
  return [
    counter(
      'penstock_plugin_calls_total',
      'Calls of a plugin by what they came to: next, result, replied or failed.',
      'result',
      ({ calls }) => Object.entries(calls),
    ),
    counter(
      'penstock_plugin_traps_total',
      'Calls of a plugin that failed, by reason.',
      'reason',
      ({ failures }) => failures,
    ),
    counter(
      'penstock_plugin_denials_total',
      'What a plugin asked for and its grant does not have, by what it was.',
      'denied',
      ({ denials }) => denials,
    ),
    histogram(
      'penstock_plugin_duration_seconds',
      'Running time of the guest in one call, without queueing.',
      ({ runSeconds }) => runSeconds,
    ),
    histogram(
      'penstock_plugin_queue_seconds',
      'Time a call waited: for a thread, and for key-value data.',
      ({ queueSeconds }) => queueSeconds,
    ),
    histogram(
      'penstock_plugin_fuel',
      `Fuel of one call; one call in ${FUEL_SAMPLE} is measured.`,
      ({ fuel }) => fuel,
    ),
    gauge('penstock_plugin_instances', 'Live instances of the plugin version.', ({ executors }) =>
      sumOf(executors, (executor) => executor.status().instances),
    ),
    gauge(
      'penstock_plugin_memory_bytes',
      'Memory of the live instances of the plugin version.',
      ({ executors }) => sumOf(executors, (executor) => executor.status().memoryBytes),
    ),
    gauge(
      'penstock_plugin_generations',
      'Generations of filters that use the plugin version now.',
      ({ executors }) => executors.size,
    ),
    {
      name: 'penstock_plugin_threads',
      help: 'Threads plugins run in, without the spare.',
      type: 'gauge',
      collect: () => [{ labels: {}, value: pool().threads }],
    },
    {
      name: 'penstock_plugin_threads_replaced_total',
      help: 'Threads that were ended because a guest ran past its time, or that ended by themselves.',
      type: 'counter',
      collect: () => [{ labels: {}, value: pool().replacedThreads }],
    },
  ]
}

function sumOf<T>(list: Iterable<T>, of: (one: T) => number): number {
  let sum = 0
  for (const one of list) sum += of(one)
  return sum
}

function labelsOf(monitor: PluginMonitor): Record<string, string> {
  const { pipeline, filter, plugin, version, digest } = monitor
  return { pipeline, filter, plugin, version, digest: digest.slice(0, 'sha256:'.length + 12) }
}
