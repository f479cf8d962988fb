import { GatewayError, reasonOf } from '../../errors.ts'

/**
 * Runs `action` where an exception would end the process: in a callback of a socket or of a timer. What it
 * throws is a mistake of ours or of a filter; it costs the connection and is shown as a warning.
 */
export function guard(action: () => void, onFault: (error: unknown) => void): () => void {
  return () => {
    try {
      action()
    } catch (error) {
      onFault(error)
    }
  }
}

/** Makes a mistake visible: as a warning of the process, with where it happened. */
export function reportFault(error: unknown): void {
  const fault = new GatewayError('HTTP_CALLBACK', { reason: reasonOf(error) }, error)
  process.emitWarning(fault.message, { code: fault.code, detail: stackOf(error) })
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '') : String(error)
}
