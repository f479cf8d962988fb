import { GatewayError } from '../errors.ts'
import { curlCommand } from './curl.ts'
import type { InspectedGateway } from './inspected-gateway.ts'
import { InspectorKey } from './inspector-key.ts'
import { LiveFeed } from './live-feed.ts'
import { Recorder } from './recorder.ts'
import type { Recording } from './recording.ts'
import { replay } from './replay.ts'
import { sentRequest } from './sent-request.ts'
import { type WrittenTest, writeTest } from './test-file.ts'

/** Records exchanges, shows them and repeats them. There is one per gateway that was started with it. */
export class Inspector {
  readonly key = new InspectorKey()
  readonly recorder = new Recorder()
  readonly live = new LiveFeed(this.recorder)
  readonly #gateway: InspectedGateway

  constructor(gateway: InspectedGateway) {
    this.#gateway = gateway
  }

  /** Where requests can be sent to. */
  get servers(): readonly { readonly name: string; readonly port: number }[] {
    return this.#gateway.servers()
  }

  /** INSPECT_NOT_FOUND when it is not, or no longer, kept. */
  recording(id: string): Recording {
    const recording = this.recorder.get(id)
    if (recording === undefined) {
      throw new GatewayError('INSPECT_NOT_FOUND', { what: `exchange ${id}` })
    }
    return recording
  }

  clear(): void {
    this.recorder.clear()
    this.live.cleared()
  }

  /** A command that sends the same request. INSPECT_BODY when its body is not known whole. */
  curl(id: string): string {
    const recording = this.recording(id)
    return curlCommand(sentRequest(recording), this.#portOf(recording))
  }

  /** Sends the request again and returns the id of the new exchange. INSPECT_BODY, INSPECT_REPLAY. */
  async replay(id: string): Promise<string> {
    const recording = this.recording(id)
    const sent = sentRequest(recording)
    const port = this.#portOf(recording)
    const mark = this.recorder.announceReplay(id)
    let made: string | null = null
    try {
      await replay(sent, port, mark)
    } finally {
      made = this.recorder.endReplay(mark)
    }
    if (made !== null) return made
    throw new GatewayError('INSPECT_REPLAY', { reason: 'the server refused it before any filter' })
  }

  /**
   * Writes a test of what one plugin did into the plugin's folder. `step` is the step's index, null for the
   * last one that can be tested. INSPECT_NO_PLUGIN, INSPECT_BODY, INSPECT_TEST_FILE.
   */
  writeTest(id: string, step: number | null): WrittenTest {
    return writeTest(this.recording(id), step, this.#gateway)
  }

  close(): void {
    this.live.close()
  }

  #portOf(recording: Recording): number {
    const port = this.#gateway.portOf(recording.server)
    if (port !== undefined) return port
    throw new GatewayError('INSPECT_REPLAY', { reason: `the server ${recording.server} is gone` })
  }
}
