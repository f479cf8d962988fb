import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, type ErrorParams, GatewayError, reasonOf } from '../errors.ts'
import type { CompileRequest, CompileResult } from './compile.ts'

export interface WorkerTask {
  readonly id: number
  readonly request: CompileRequest
}
export interface WorkerAnswer {
  readonly id: number
  readonly result: CompileResult | null
  readonly error: { readonly code: ErrorCode; readonly params: ErrorParams<ErrorCode> } | null
}

interface Waiting {
  readonly resolve: (result: CompileResult) => void
  readonly reject: (error: unknown) => void
}

/**
 * A compiler that stays loaded in a thread of its own: the first compilation takes 2 to 4 s, later ones
 * well under one. It does not block the event loop, and a crash of the compiler, which would end the
 * process, is TOOLCHAIN_CRASHED of the compilation that ran; the next one gets a new thread.
 *
 * The thread keeps the process alive only while it compiles. It holds some 300 MB, and no more after many
 * compilations. `close` ends it; it is idempotent.
 */
export class ResidentCompiler {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #count = 0
  #queue: Promise<unknown> = Promise.resolve()
  #isClosed = false

  /** As `compilePlugin`, one after the other. */
  readonly compile = (request: CompileRequest): Promise<CompileResult> => {
    const result = this.#queue.then(() => this.#run(request))
    // The next one waits for the end of this one, whatever it is.
    this.#queue = result.catch(() => undefined)
    return result
  }

  /** Loads the compiler before anybody needs it; never fails. */
  warm(entry: string): void {
    this.compile({ entry, optimize: 0 }).catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  #run(request: CompileRequest): Promise<CompileResult> {
    if (this.#isClosed) return Promise.reject(crashed('it was closed'))
    const worker = this.#thread()
    const id = ++this.#count
    worker.ref()
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      const task: WorkerTask = { id, request }
      worker.postMessage(task)
    })
  }

  #thread(): Worker {
    if (this.#worker !== null) return this.#worker
    // The extension is that of this file: sources here, JavaScript in the package.
    const file = `./compile-worker${extname(import.meta.url)}`
    const worker = new Worker(new URL(file, import.meta.url), { stderr: true, stdout: true })
    let said = ''
    worker.stderr.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-2_000)
    })
    worker.on('message', (answer: WorkerAnswer) => this.#answer(worker, answer))
    worker.on('error', (error) => this.#lose(worker, reasonOf(error)))
    worker.on('exit', (code) => this.#lose(worker, said.trim() || `its thread ended with ${code}`))
    this.#worker = worker
    return worker
  }

  #answer(worker: Worker, { id, result, error }: WorkerAnswer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) worker.unref()
    if (result !== null) waiting?.resolve(result)
    else if (error !== null) waiting?.reject(new GatewayError(error.code, error.params))
  }

  #lose(worker: Worker, reason: string): void {
    if (this.#worker !== worker && this.#worker !== null) return
    this.#worker = null
    for (const { reject } of this.#waiting.values()) {
      reject(crashed(reason))
    }
    this.#waiting.clear()
  }
}

function crashed(reason: string): GatewayError {
  return new GatewayError('TOOLCHAIN_CRASHED', { reason })
}
