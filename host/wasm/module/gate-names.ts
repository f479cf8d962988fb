/** Exports the gate adds. A module that brings a name with this prefix is refused. */
export const RESERVED_PREFIX = 'penstock:'
/**
 * A mutable i64 global: the fuel that is left. The host sets it before a call and takes from it for
 * its own work. Negative after a trap means the guest ran out of fuel. A call that ends well may
 * leave it slightly negative.
 */
export const FUEL_EXPORT = 'penstock:fuel'
/** The module's start function, `() -> ()`: the host calls it first, under limits. */
export const START_EXPORT = 'penstock:start'
/** The mutable globals the module defines, by index. */
export const GLOBAL_PREFIX = 'penstock:global:'
