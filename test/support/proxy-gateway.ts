import { type Cleanup, startGateway, type TestGateway } from './gateway.ts'
import { onePipeline } from './one-pipeline.ts'

/** A Proxy with these fields, as JSON is YAML. */
export function proxyYaml(fields: object, rest = ''): string {
  return onePipeline(`  - ${JSON.stringify({ name: 'proxy', kind: 'Proxy', ...fields })}`, rest)
}

export interface ProxyGateway extends TestGateway {
  /** Makes this Proxy the running one. */
  change(fields: object, rest?: string): Promise<void>
  /** What the filter says of itself: free-form JSON. */
  status(): ReturnType<typeof JSON.parse>
}

/** A gateway with one Proxy of these fields. */
export async function startProxy(
  cleanup: Cleanup,
  fields: object,
  rest = '',
  files: Readonly<Record<string, string>> = {},
): Promise<ProxyGateway> {
  const gateway = await startGateway(cleanup, proxyYaml(fields, rest), files, { watch: false })
  return {
    ...gateway,
    change: async (changed, changedRest = rest) => {
      await gateway.write('gateway.yaml', proxyYaml(changed, changedRest))
      await gateway.gateway.reload()
    },
    status: () => {
      const detail = gateway.gateway.control.statusOf('main')?.detail
      return (detail as { filters: Record<string, unknown> }).filters['proxy']
    },
  }
}
