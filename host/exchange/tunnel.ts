/** Hears what comes out of one side of a tunnel. */
export interface TunnelSink {
  /** The bytes belong to the sink. */
  data(bytes: Buffer): void
  /** What was written has gone: there is room again. */
  drain(): void
  /** This side will send no more. */
  ended(): void
  /** This side is gone. */
  closed(): void
}

/** One side of a tunnel: a connection that has left HTTP behind. Nothing is read before `attach`. */
export interface TunnelPeer {
  attach(sink: TunnelSink): void
  /** False asks for no more until `TunnelSink.drain`; the bytes are taken either way. */
  write(bytes: Buffer): boolean
  pause(): void
  resume(): void
  /** No more bytes to this side. */
  end(): void
  /** Ends when what was written has gone, or nothing of it moves for a while. */
  destroySoon(): void
  destroy(): void
}

/**
 * What a response with status 101 brings along: the upstream's side. Dropping the response by cancelling its
 * body destroys it.
 */
export interface TunnelOffer {
  readonly peer: TunnelPeer
  /** Extensions were agreed on: the reserved bits of frames have a meaning. */
  hasExtensions: boolean
  /** Bytes of a message of the client, and of the server; -1 for no limit. */
  clientMaxMessageBytes: number
  serverMaxMessageBytes: number
}
