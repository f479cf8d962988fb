import type { RouteGroup } from '../route.ts'
import { aboutRoutes } from './about.ts'
import { inspectRoutes } from './inspect.ts'
import { metricsRoutes } from './metrics.ts'
import { objectRoutes } from './objects.ts'
import { pageRoutes } from './page.ts'
import { pluginStoreRoutes } from './plugin-store.ts'
import { pluginRoutes } from './plugins.ts'
import { probeRoutes } from './probes.ts'
import { sourceMapRoutes } from './source-maps.ts'
import { statusRoutes } from './status.ts'
import { wasmRoutes } from './wasm.ts'

/** Every route of the admin API. A new group is one file and one line here. */
export const builtinRoutes: readonly RouteGroup[] = [
  aboutRoutes,
  objectRoutes,
  statusRoutes,
  pluginRoutes,
  pluginStoreRoutes,
  sourceMapRoutes,
  wasmRoutes,
  probeRoutes,
  metricsRoutes,
  inspectRoutes,
  pageRoutes,
]
