// The command, with the filters of the benchmark among its kinds:
//
//   node bench/gateway.ts serve -f FILE …
import { FILTER_KINDS } from '../host/filters/builtin.ts'
import type { FilterKind } from '../host/filters/filter.ts'
import { benchExtism, benchStamp } from './support/stamp.ts'

// The list is read-only for everybody else; this process is not a product.
const kinds = FILTER_KINDS as FilterKind[]
kinds.push(benchStamp, benchExtism)

await import('../host/main.ts')
