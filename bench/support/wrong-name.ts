import { MissingTool } from './missing-tool.ts'

/** What was asked for by name, and nothing has that name. */
export class WrongName extends Error {}

/** What there is to say about an error that whoever ran the benchmark can mend; null for a fault of our own. */
export function lineOf(error: unknown): string | null {
  return error instanceof WrongName || error instanceof MissingTool ? error.message : null
}
