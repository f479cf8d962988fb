import type { HttpEngine } from '../engine.ts'
import { UndiciClient } from './client.ts'
import { createNodeEngine } from './engine.ts'

/** Engine `node` with nothing of our own on the wire, to compare and to find out where a fault lies. */
export const undiciEngine: HttpEngine = createNodeEngine((options) => new UndiciClient(options))
