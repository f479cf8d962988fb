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
  /** What a filter is given that does not stand in a test. */
  givenTo(pipeline: string, filter: string): GivenInSecret
}

/** Names of secrets and keys of a filter, as they are written. */
export interface GivenInSecret {
  readonly secrets: readonly string[]
  readonly keys: readonly {
    readonly name: string
    readonly algorithm: string
    /** The public key when it stands there itself; "" for a reference and for a secret. */
    readonly publicKey: string
  }[]
}
