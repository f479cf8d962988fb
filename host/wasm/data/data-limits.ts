/** What bounds the key-value data of guests. Checked where a value is written, whoever writes it. */
export interface DataLimits {
  /** Keys of one namespace. */
  readonly keysPerNamespace: number
  /** Bytes of one key, as UTF-8. */
  readonly keyBytes: number
  /** Bytes of one value. */
  readonly valueBytes: number
  /** Bytes of all keys and values of one namespace, `ENTRY_OVERHEAD` for each entry included. */
  readonly namespaceBytes: number
  /** The same over all namespaces. */
  readonly totalBytes: number
}

export const DATA_LIMITS: DataLimits = Object.freeze({
  keysPerNamespace: 10_000,
  keyBytes: 256,
  valueBytes: 64 * 1024,
  namespaceBytes: 16 * 1024 * 1024,
  totalBytes: 64 * 1024 * 1024,
})

/** What an entry costs beside its key and its value: a map slot, an object and a typed array. */
export const ENTRY_OVERHEAD = 200

/** How long a guest in a thread waits for one operation. Past it nothing was done. */
export const DATA_WAIT_MS = 5

/**
 * Fuel of one operation beside its bytes. It occupies the event loop, which serves everybody, for 1 us
 * when it comes from the loop itself and for some 10 us when it comes from a thread.
 */
export const DATA_FUEL = 5_000

/** Fuel for each key that an operation looks at. */
export const DATA_SCAN_FUEL = 10
