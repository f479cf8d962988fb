import { readFileSync } from 'node:fs'
import createPlugin, { type Plugin } from '@extism/extism'

/** Calls after which a plugin is reset: memory of its kit is never freed, and it fails near 16,000 calls. */
const RESET_EVERY = 1_000

/** An Extism plugin behind the shape a filter needs: one call at a time, for it cannot be re-entered. */
export interface ExtismPlugin {
  call(name: string, input: string): Promise<string>
  close(): Promise<void>
}

export async function openExtism(file: string, runInWorker: boolean): Promise<ExtismPlugin> {
  const wasm = [{ data: readFileSync(file) }]
  const plugin = await createPlugin({ wasm }, { runInWorker, useWasi: false })
  let last: Promise<unknown> = Promise.resolve()
  let calls = 0
  const callNow = async (name: string, input: string): Promise<string> => {
    calls += 1
    if (calls % RESET_EVERY === 0) await plugin.reset()
    return await textOf(plugin, name, input)
  }
  return {
    call(name, input) {
      const answer = last.then(() => callNow(name, input))
      // A failure is for its own caller; the next one goes on.
      last = answer.catch(() => undefined)
      return answer
    },
    close: () => plugin.close(),
  }
}

async function textOf(plugin: Plugin, name: string, input: string): Promise<string> {
  const output = await plugin.call(name, input)
  if (output === null) throw new Error('the plugin answered nothing')
  return output.text()
}
