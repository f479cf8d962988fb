import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'
import { Cleanup } from '../support/gateway.ts'
import { temporaryFolder } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'
import { type CodeBlock, codeBlocks } from './code-blocks.ts'
import { installPenstock } from './install.ts'

const test = suite('docs/tutorial', { timeoutMs: 500_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const PENSTOCK = fileURLToPath(new URL('../../host/bin/penstock.cjs', import.meta.url))

/** Ports that the page names, which may be taken on this machine. */
const PORTS = ['10080', '9095', '2381'] as const

/** How long a save may take to show on a busy machine, and a gateway to start. */
const PATIENCE_MS = 60_000

/** Runs the page from top to bottom, as a reader would, in a shell. */
class Reader {
  readonly #home: string
  readonly #ports: ReadonlyMap<string, string>
  readonly #saved = new Map<string, string[]>()
  #folder: string
  #background: ChildProcess | null = null
  #output = ''

  constructor(home: string, ports: ReadonlyMap<string, string>) {
    this.#home = home
    this.#folder = home
    this.#ports = ports
  }

  async follow(blocks: readonly CodeBlock[]): Promise<void> {
    for (const [index, block] of blocks.entries()) {
      if (block.language === 'ts') await this.#save(block)
      if (block.language !== 'sh') continue
      const next = blocks[index + 1]
      await this.#run(block, next?.language === 'text' ? next : null)
    }
  }

  async stop(): Promise<void> {
    const child = this.#background
    this.#background = null
    if (child === null || child.exitCode !== null || child.pid === undefined) return
    process.kill(-child.pid, 'SIGTERM')
    await once(child, 'close')
  }

  async #save({ file, text }: CodeBlock): Promise<void> {
    const [name = '', again] = file.split(' ')
    const versions = this.#saved.get(name) ?? []
    // "again" is the first version the page had of that file.
    const content = again === undefined ? text : (versions[0] ?? '')
    this.#saved.set(name, [...versions, content])
    await writeFile(join(this.#folder, name), content)
  }

  async #run({ text, line }: CodeBlock, expected: CodeBlock | null): Promise<void> {
    for (const command of text.trim().split('\n')) {
      const isLast = text.trim().endsWith(command)
      await this.#command(command, line, isLast ? expected : null)
    }
  }

  async #command(command: string, line: number, expected: CodeBlock | null): Promise<void> {
    if (command.startsWith('cd ')) {
      this.#folder = join(this.#folder, command.slice(3))
      return
    }
    if (command === 'npm install') return await this.#install()
    if (command === 'npm run dev' || command === 'npm start') return await this.#start(command)
    const startedAtMs = performance.now()
    for (;;) {
      const { code, output } = await this.#shell(command)
      const missing = expected === null ? null : firstMissing(expected.text, output)
      if (code === 0 && missing === null) return
      // A reader who sees the old answer looks again: a save takes a moment.
      const isPatient = command.startsWith('curl') || command.includes('plugin push')
      if (!isPatient || performance.now() - startedAtMs > PATIENCE_MS) {
        const what = missing === null ? `exit code ${code}` : `no line "${missing}"`
        assert.unreachable(`line ${line}: ${command}: ${what} in\n${output}\n${this.#output}`)
      }
      await delay(200)
    }
  }

  /** In place of what a registry would give. */
  async #install(): Promise<void> {
    await installPenstock(this.#folder)
    for (const file of ['gateway.yaml', 'package.json']) {
      const path = join(this.#folder, file)
      const text = (await readFile(path, 'utf8'))
        .replace('penstock dev', `penstock dev --inspector-port ${this.#port('2381')}`)
        .replace(
          '-f gateway.yaml',
          `-f gateway.yaml --admin-address 127.0.0.1:${this.#port('2381')}`,
        )
      await writeFile(path, this.#withPorts(text))
    }
  }

  async #start(command: string): Promise<void> {
    await this.stop()
    const child = spawn('sh', ['-c', command], {
      cwd: this.#folder,
      env: this.#env(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#background = child
    this.#output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
    const startedAtMs = performance.now()
    while (!(await isListening(Number(this.#port('10080'))))) {
      if (child.exitCode !== null || performance.now() - startedAtMs > PATIENCE_MS) {
        assert.unreachable(`${command} has not started:\n${this.#output}`)
      }
      await delay(100)
    }
  }

  #shell(command: string): Promise<{ code: number; output: string }> {
    const line = this.#withPorts(command)
      .replace(/^npm create penstock /, `"${process.execPath}" "${PENSTOCK}" new `)
      // The command of the project, as npx would find it; asking a registry is what a test must not do.
      .replace(/^npx penstock /, 'node_modules/.bin/penstock ')
    const child = spawn('sh', ['-c', line], { cwd: this.#folder, env: this.#env() })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? 1, output }))
    })
  }

  #env(): NodeJS.ProcessEnv {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    return {
      ...env,
      HOME: this.#home,
      NO_COLOR: '1',
      PENSTOCK_SERVER: `http://127.0.0.1:${this.#port('2381')}`,
    }
  }

  #port(named: string): string {
    return this.#ports.get(named) ?? named
  }

  #withPorts(text: string): string {
    return text.replace(/\b(?:10080|9095)\b/g, (port) => this.#port(port))
  }
}

/** The first expected line that does not stand in the output, in order; "…" stands for anything. */
function firstMissing(expected: string, output: string): string | null {
  const lines = output.split(/\r?\n/)
  let at = 0
  for (const wanted of expected.trim().split('\n')) {
    const parts = wanted.split('…').map((part) => part.trim())
    const found = lines.findIndex((line, index) => index >= at && hasParts(line, parts))
    if (found < 0) return wanted
    at = found + 1
  }
  return null
}

function hasParts(line: string, parts: readonly string[]): boolean {
  let from = 0
  for (const part of parts) {
    const at = line.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return true
}

async function isListening(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`)
    await response.arrayBuffer()
    return true
  } catch {
    return false
  }
}

test('every command and every block of the tutorial works as it stands', async () => {
  const home = await temporaryFolder(cleanup)
  await mkdir(join(home, 'work'))
  const ports = new Map<string, string>()
  for (const port of PORTS) ports.set(port, String(await freePort()))
  const reader = new Reader(join(home, 'work'), ports)
  try {
    await reader.follow(codeBlocks(new URL('../../docs/tutorial.md', import.meta.url)))
  } finally {
    await reader.stop()
  }
})
