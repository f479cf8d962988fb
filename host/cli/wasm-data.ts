import type { ArgumentSpec } from './command.ts'

/** The arguments of the commands about the data of one filter, in Easegress's order. */
export const DATA_ARGUMENTS: readonly ArgumentSpec[] = [
  { name: '<pipeline>', description: 'the pipeline' },
  { name: '<filter>', description: 'the WasmHost filter in it' },
]

/** The path of that data in the admin API. */
export function dataPath(args: readonly string[]): string {
  const [pipeline = '', filter = ''] = args
  return `/wasm/data/${encodeURIComponent(pipeline)}/${encodeURIComponent(filter)}`
}
