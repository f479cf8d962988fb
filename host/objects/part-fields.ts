/**
 * The fields that every filter and policy may have beside those of its kind, as in Easegress, whose tools
 * write `version` into each. Only name and kind mean something.
 */
export const PART_FIELDS: readonly string[] = ['name', 'kind', 'version', 'labels', 'createdAt']
