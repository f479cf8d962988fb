import { duration, z } from '../config/schema.ts'
import { atLeast } from '../filters/proxy-field.ts'

/** The shortest time limit: limits are looked at ten times a second. */
const MIN_MS = 100

/**
 * What one client may cost an HTTPServer, in bytes and in time. Easegress has no such fields: it has no
 * limits of this kind. All of them change while connections are open.
 */
export const limitFields = {
  maxRequestLine: z
    .int()
    .min(256)
    .max(65_536)
    .default(8_192)
    .describe('Bytes of a request line; past it 414.'),
  maxHeaderBytes: z
    .int()
    .min(1_024)
    .max(1_048_576)
    .default(32_768)
    .describe('Bytes of the header of a request; past it 431.'),
  maxHeaderCount: z
    .int()
    .min(8)
    .max(1_000)
    .default(100)
    .describe('Fields of the header of a request; past it 431.'),
  headerTimeout: atLeast(MIN_MS)
    .prefault('5s')
    .describe('Time for the whole head of a request; past it 408.'),
  bodyIdleTimeout: atLeast(MIN_MS)
    .prefault('30s')
    .describe('How long a client may pause while it sends a body; past it 408.'),
  minBodyRate: z
    .int()
    .min(0)
    .default(1_024)
    .describe(
      'Bytes a second a body must make after the first `bodyIdleTimeout`, else 408; 0 asks for none.',
    ),
  bodyTimeout: duration()
    .prefault('5m')
    .describe('Time for a whole body; past it 408. 0s is no limit.'),
  requestTimeout: duration()
    .prefault('60s')
    .describe(
      'Time from the whole request to the beginning of its answer; past it 504, also when the `timeout` of a Proxy is longer. A body that streams is not cut. 0s is no limit.',
    ),
  writeIdleTimeout: atLeast(MIN_MS)
    .prefault('60s')
    .describe('A client that takes nothing of its answer for this long is cut off.'),
  maxRequestsPerConnection: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Requests on one connection; it closes after the last answer.'),
  maxTunnels: z.int().min(0).default(8_192).describe('Open WebSockets; past it 503.'),
  tunnelIdleTimeout: duration()
    .prefault('5m')
    .describe(
      'A WebSocket on which nothing travels for this long is closed with 1001. 0s is no limit.',
    ),
}
