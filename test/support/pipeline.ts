import { ConfigError } from '../../host/config/issues.ts'
import type { GatewayOptions } from '../../host/gateway.ts'
import { type Cleanup, startGateway, type TestGateway } from './gateway.ts'
import { onePipeline } from './one-pipeline.ts'

/** The YAML of a server with one pipeline `main`; its filters, and perhaps a flow, are given as YAML. */
export function pipelineYaml(filters: string, flow = ''): string {
  return onePipeline(indent(filters), flow === '' ? '' : `flow:\n${indent(flow)}`)
}

/** A gateway with one pipeline. Nothing watches its files: `reload` it after a change. */
export function startPipeline(
  cleanup: Cleanup,
  filters: string,
  flow = '',
  files: Readonly<Record<string, string | Uint8Array>> = {},
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  return startGateway(cleanup, pipelineYaml(filters, flow), files, { watch: false, ...options })
}

/** The messages, without their places, with which a pipeline is refused. */
export async function refusal(cleanup: Cleanup, filters: string, flow = ''): Promise<string[]> {
  try {
    await startPipeline(cleanup, filters, flow)
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.map((issue) => issue.message)
    throw error
  }
  return []
}

/** The fields of the access-log lines so far. */
export function accessLines({ lines }: TestGateway): Record<string, unknown>[] {
  return lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['msg'] === 'request')
}

function indent(yaml: string): string {
  return yaml.trim().replace(/^/gm, '  ')
}
