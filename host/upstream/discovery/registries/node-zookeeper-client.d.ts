// The part of the package that zookeeper-session.ts uses; it brings no types.

declare module 'node-zookeeper-client' {
  export interface ZookeeperError {
    readonly message: string
    readonly code: number
  }

  type Callback<T> = (error: ZookeeperError | null | undefined, value: T) => void

  export interface Client {
    connect(): void
    close(): void
    once(event: 'connected' | 'expired' | 'authenticationFailed', listener: () => void): void
    getChildren(path: string, callback: Callback<string[]>): void
    /** The data of an empty node is undefined. */
    getData(path: string, callback: Callback<Buffer | undefined>): void
    /** Not part of its interface: the one way to be rid of a server that does not answer. */
    readonly connectionManager?: { readonly socket?: { destroy(): void } }
  }

  export function createClient(
    servers: string,
    options: { readonly sessionTimeout: number; readonly retries: number },
  ): Client

  export const Exception: { readonly NO_NODE: number }
}
