import type { ServerResponse } from 'node:http'
import type { Inspector } from '../inspect/inspector.ts'
import { HEARTBEAT_MS, MAX_WATCHER_BYTES } from '../inspect/limits.ts'

/** The media type of server-sent events (HTML standard, section 9.2). */
export const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8'

/**
 * Writes what is recorded to a response until its reader leaves or the inspector closes. A reader that does
 * not keep up is cut off: it asks again and gets everything anew.
 */
export function streamEvents(inspector: Inspector, response: ServerResponse): void {
  response.flushHeaders()
  const leave = inspector.live.watch({
    send: (event) => {
      // JSON holds no line feed, so an event is one line.
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      if (response.writableLength > MAX_WATCHER_BYTES) response.destroy()
    },
    end: () => response.end(),
  })
  // A comment: without it neither end would notice that the other is gone.
  const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT_MS)
  heartbeat.unref()
  response.once('close', () => {
    clearInterval(heartbeat)
    leave()
  })
}
