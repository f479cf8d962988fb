/** What an inspector must know about the gateway it belongs to. */
export interface InspectedGateway {
  /** Every HTTPServer that listens. */
  servers(): readonly { readonly name: string; readonly port: number }[]
  /** The port an HTTPServer has bound. */
  portOf(server: string): number | undefined
  /** The `parameters` of a filter, as they are written. */
  parametersOf(
    pipeline: string,
    filter: string,
  ): Readonly<Record<string, string | number | boolean>>
}
