// The part of the package that zookeeper-session.ts and its test use; it brings no types.

declare module 'node-zookeeper-client' {
  export interface ZookeeperError {
    readonly message: string
    readonly code: number
  }

  type Callback<T> = (error: ZookeeperError | null | undefined, value: T) => void

  interface ConnectionManager {
    readonly socket?: { destroy(): void }
    /** The bytes of a message that is not complete yet. */
    pendingBuffer: Buffer | null
    /** Looked up when a connection is opened. */
    onSocketData(bytes: Buffer): void
  }

  export interface Client {
    connect(): void
    close(): void
    once(event: 'connected' | 'expired' | 'authenticationFailed', listener: () => void): void
    getChildren(path: string, callback: Callback<string[]>): void
    /** The data of an empty node is undefined. */
    getData(path: string, callback: Callback<Buffer | undefined>): void
    mkdirp(path: string, callback: Callback<string>): void
    setData(path: string, data: Buffer, callback: Callback<unknown>): void
    remove(path: string, callback: Callback<undefined>): void
    /** Not part of its interface. */
    readonly connectionManager: ConnectionManager
  }

  export function createClient(
    servers: string,
    options: { readonly sessionTimeout: number; readonly retries: number },
  ): Client

  export const Exception: { readonly NO_NODE: number }
}
