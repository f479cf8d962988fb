/** What all spans of a server have in common. */
export interface TraceResource {
  readonly serviceName: string
  readonly attributes: Readonly<Record<string, string>>
}
