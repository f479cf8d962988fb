/** Characters of one template's output, and of any text made on the way to it. */
export const MAX_TEMPLATE_OUTPUT = 4 * 1024 * 1024

/** Steps of one run: a node, a turn of a loop, a call, and 32 characters that a function reads. */
export const MAX_TEMPLATE_STEPS = 1_000_000

/** Templates that may call each other, one inside another. */
export const MAX_TEMPLATE_DEPTH = 100

/** Elements of a list that a function makes. */
export const MAX_LIST_LENGTH = 100_000

/** Levels of lists and maps inside one another that are printed or compared. */
export const MAX_VALUE_DEPTH = 100

/** Characters of a template's source. */
export const MAX_TEMPLATE_SOURCE = 1024 * 1024

/** Actions inside one another in a template's source. */
export const MAX_TEMPLATE_NESTING = 200
