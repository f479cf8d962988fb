import { ProcessProbe } from '../../host/http/overload/process-probe.ts'

/**
 * Loaded before a gateway that is a process of its own (`node --import`): on a machine that is busy with other
 * things it would turn requests away, as it should, and every test that counts answers would fail at times.
 */
ProcessProbe.prototype.sample = () => ({ loopDelayMs: 0, memoryRatio: 0 })
