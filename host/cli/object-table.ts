import type { Cell } from './output.ts'

/** A state in the color it has wherever it is shown. */
export function stateCell(state: string): Cell {
  if (state === 'running') return { text: state, color: 'green' }
  return state === 'failed' ? { text: state, color: 'red' } : { text: state, color: 'yellow' }
}
