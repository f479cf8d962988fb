/**
 * Runs `send` and then blocks the event loop for `ms`, right before its timers run: they run before what was sent is
 * read. Resolves when that is over.
 */
export function stallLoop(ms: number, send: () => void): Promise<void> {
  return new Promise((resolve) => {
    // After sockets, before timers.
    setImmediate(() => {
      send()
      const endMs = performance.now() + ms
      while (performance.now() < endMs);
      resolve()
    })
  })
}
