import type { Logger, LogMethod } from '../observe/log.ts'

/** A logger that hands its error lines to whoever asked and drops the rest. */
export function captureErrors(onError: (message: string) => void): Logger {
  const method = (listener: (message: string) => void): LogMethod => {
    return (fields: string | Readonly<Record<string, unknown>>, message?: string) => {
      listener(typeof fields === 'string' ? fields : (message ?? ''))
    }
  }
  const drop = method(() => undefined)
  const logger: Logger = {
    debug: drop,
    info: drop,
    warn: drop,
    error: method(onError),
    child: () => logger,
    isLevelEnabled: (level) => level === 'error',
  }
  return logger
}
