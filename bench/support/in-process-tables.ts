/** What can be measured in a process by itself: see `Subjects`. */
export const TABLES = ['filter', 'headers', 'body', 'chain', 'switches'] as const

export type Table = (typeof TABLES)[number]
