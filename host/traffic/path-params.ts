/** The parts of a path that a route names: `{id}` in `/users/{id}`. */
export interface PathParams {
  readonly names: readonly string[]
  readonly values: readonly string[]
}

/** The value of a parameter, or undefined. */
export function paramOf(params: PathParams | null, name: string): string | undefined {
  return params === null ? undefined : params.values[params.names.indexOf(name)]
}
