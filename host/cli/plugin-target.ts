import { GatewayError } from '../errors.ts'

/** Hexadecimal digits of a digest that are shown to people. */
const SHOWN_DIGITS = 12

/** `PIPELINE/FILTER`, as commands take it; `what` names the option or argument in the message. */
export function parseFilterTarget(
  text: string | undefined,
  what: string,
): [pipeline: string, filter: string] {
  const [pipeline = '', filter = '', ...more] = (text ?? '').split('/')
  if (pipeline === '' || filter === '' || more.length > 0) {
    const seen = text === undefined ? 'is missing' : `"${text}" is not of that form`
    throw new GatewayError('CLI_USAGE', { reason: `${what} PIPELINE/FILTER: ${seen}` })
  }
  return [pipeline, filter]
}

/** The path of a filter's plugin in the admin API. */
export function pluginPath(pipeline: string, filter: string): string {
  return `/plugins/${encodeURIComponent(pipeline)}/${encodeURIComponent(filter)}`
}

/** A digest as people compare them. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, SHOWN_DIGITS)
}
