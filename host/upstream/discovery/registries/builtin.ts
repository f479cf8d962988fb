import { consul } from './consul.ts'
import { etcd } from './etcd.ts'
import { eureka } from './eureka.ts'
import { nacos } from './nacos.ts'
import type { RegistryKind } from './registry-kind.ts'
import { zookeeper } from './zookeeper.ts'

/** Every kind of service registry; adding one is a file and a line here. */
export const REGISTRY_KINDS: readonly RegistryKind[] = [consul, etcd, eureka, nacos, zookeeper]
