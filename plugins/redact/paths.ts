import { refuse } from '@penstock/sdk'

/** What becomes of a value. */
export enum Action {
  None,
  /** The mask in its place. */
  Mask,
  /** The member is gone, with its name. */
  Remove,
  /** The mask and the last four characters. */
  Last4,
  /** A word that is the same for the same value and tells nothing else. */
  Hash,
}

/** Steps a path may have: positions are kept in six bits. */
const MAX_STEPS: i32 = 63

/** A place in a JSON body: `user.email`, `**.password`, `cards.*.number`. */
@final
class Path {
  steps: string[]
  action: Action

  constructor(steps: string[], action: Action) {
    this.steps = steps
    this.action = action
  }
}

/**
 * All paths at once. Where a walk through a body stands is a list of positions, one for each path that may
 * still be met: `path << 6 | step`.
 */
@final
export class Paths {
  private paths: Path[] = []
  readonly start: i32[] = []

  /** One path a line, with `=> action` behind it when it is not `mask`; what cannot be used is refused. */
  constructor(text: string) {
    const lines = text.split('\n')
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i].trim()
      if (line.length > 0 && !line.startsWith('#')) this.add(line)
    }
    for (let i = 0; i < this.paths.length; i++) this.enter(this.start, i, 0)
  }

  get length(): i32 {
    return this.paths.length
  }

  /** Does a path need the key of `Hash`? */
  hasHash(): bool {
    for (let i = 0; i < this.paths.length; i++) {
      if (this.paths[i].action == Action.Hash) return true
    }
    return false
  }

  /** Where a walk stands behind the member of that name. */
  step(positions: i32[], name: string): i32[] {
    const found = new Array<i32>()
    for (let i = 0; i < positions.length; i++) {
      const path = positions[i] >> 6
      const at = positions[i] & 63
      const steps = this.paths[path].steps
      if (at >= steps.length) continue
      const wanted = steps[at]
      if (wanted == '**') this.enter(found, path, at)
      else if (wanted == '*' || wanted == name) this.enter(found, path, at + 1)
    }
    return found
  }

  /** What becomes of the value there: that of the first path that ends there. */
  actionAt(positions: i32[]): Action {
    for (let i = 0; i < positions.length; i++) {
      const path = this.paths[positions[i] >> 6]
      if ((positions[i] & 63) == path.steps.length) return path.action
    }
    return Action.None
  }

  private add(line: string): void {
    const arrow = line.indexOf('=>')
    const name = arrow < 0 ? 'mask' : line.slice(arrow + 2).trim()
    const text = (arrow < 0 ? line : line.slice(0, arrow)).trim()
    const action = actionOf(name)
    const steps = text.split('.')
    if (action == Action.None) {
      refuse(`paths: "${name}" is none of mask, remove, last4, hash`)
    } else if (text == '' || steps.includes('') || steps.length > MAX_STEPS) {
      refuse(`paths: "${text}" is not a path such as user.email or **.password`)
    } else if (steps[steps.length - 1] == '**') {
      refuse(`paths: "${text}" ends in "**", which every value is under`)
    } else {
      this.paths.push(new Path(steps, action))
    }
  }

  /** A "**" stands for no member too. */
  private enter(positions: i32[], path: i32, at: i32): void {
    const position = (path << 6) | at
    if (!positions.includes(position)) positions.push(position)
    const steps = this.paths[path].steps
    if (at < steps.length && steps[at] == '**') this.enter(positions, path, at + 1)
  }
}

function actionOf(name: string): Action {
  if (name == 'mask') return Action.Mask
  if (name == 'remove') return Action.Remove
  if (name == 'last4') return Action.Last4
  return name == 'hash' ? Action.Hash : Action.None
}
