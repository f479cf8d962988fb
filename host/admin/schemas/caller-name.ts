/** In which a caller says who it is, for the history of what it changes. */
export const CALLER_HEADER = 'x-penstock-by'

/** Characters of such a name. */
export const MAX_CALLER_LENGTH = 64

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,${MAX_CALLER_LENGTH - 1}}$`)

/** What may stand in the header: letters, digits and `. _ @ + -`, beginning with a letter or a digit. */
export function isCallerName(text: string): boolean {
  return NAME.test(text)
}
