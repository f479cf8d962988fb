import { nearest } from '../config/nearest.ts'
import { GatewayError } from '../errors.ts'

/** Short names of kinds, as egctl has them. Case does not matter, neither does a plural s. */
const ALIASES: Readonly<Record<string, string>> = {
  hs: 'HTTPServer',
  httpserver: 'HTTPServer',
  pl: 'Pipeline',
  pipeline: 'Pipeline',
  globalfilter: 'GlobalFilter',
  grpc: 'GRPCServer',
  grpcserver: 'GRPCServer',
  mqtt: 'MQTTProxy',
  mp: 'MQTTProxy',
  mqttproxy: 'MQTTProxy',
  autocertmanager: 'AutoCertManager',
  nacos: 'NacosServiceRegistry',
  zk: 'ZookeeperServiceRegistry',
  zookeeper: 'ZookeeperServiceRegistry',
  ingress: 'IngressController',
  mesh: 'MeshController',
  faas: 'FaaSController',
  aigateway: 'AIGatewayController',
  waf: 'WAFController',
}

/** The pseudo-kind that stands for every kind. */
export const ALL_KINDS = 'all'

/** The kind somebody means, of those the gateway knows; null for `all`. CLI_USAGE when there is none. */
export function resolveKind(word: string, kinds: readonly string[]): string | null {
  const lower = word.toLowerCase()
  if (lower === ALL_KINDS) return null
  for (const candidate of [lower, lower.replace(/s$/, '')]) {
    const kind = kinds.find((one) => one.toLowerCase() === candidate) ?? ALIASES[candidate]
    if (kind !== undefined && kinds.includes(kind)) return kind
  }
  const near = nearest(word, [...kinds, ...Object.keys(ALIASES)])
  const hint = near === null ? '' : ` (did you mean "${near}"?)`
  const known = [...kinds, ALL_KINDS].join(', ')
  throw new GatewayError('CLI_USAGE', {
    reason: `the gateway has no kind "${word}"${hint}; it has ${known}`,
  })
}
