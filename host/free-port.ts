/** How many ports after the wanted one are tried before any free one is taken. */
export const PORTS_TRIED = 10

/**
 * Calls `listen` with `port`, and with the next ones while they are taken by somebody else; at last with 0.
 * Any other failure is that of `listen`. Port 0 is any free port from the start.
 */
export async function listenNear<T>(
  port: number,
  listen: (port: number) => Promise<T>,
): Promise<T> {
  for (let next = port; port !== 0 && next <= port + PORTS_TRIED && next < 65_536; next++) {
    try {
      return await listen(next)
    } catch (error) {
      if (!isTaken(error)) throw error
    }
  }
  return await listen(0)
}

/** Is this, or what caused it, the system's "address already in use"? */
export function isTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'EADDRINUSE') || isTaken(error.cause)
}
