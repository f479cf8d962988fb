import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { assert, suite } from '../support/suite.ts'

const repository = join(import.meta.dirname, '../..')
const installed = 'node_modules/@penstock/gateway'

/** Installing may have to ask a registry. */
const test = suite('system/package', { timeoutMs: 240_000 })

let folder = ''
let packed: string[] = []
let upstream: Server
let gateway: ChildProcess | null = null

interface PackedFile {
  readonly path: string
}
interface Packed {
  readonly filename: string
  readonly unpackedSize: number
  readonly files: readonly PackedFile[]
}

/** Packs as `npm publish` would, builds included, and installs the result where nothing else is. */
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-package-'))
  const stdout = await run(
    'npm',
    ['pack', '.', './sdk', '--json', '--pack-destination', folder],
    repository,
  )
  // What the build says comes before the list.
  const list: Packed[] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]$/m))))
  packed = list.flatMap((one) => one.files.map((file) => file.path))
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const tarballs = list.map((one) => join(folder, one.filename))
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...flags, ...tarballs, 'assemblyscript@0.28.20'], folder)

  upstream = createServer((request, response) => {
    response.end(`tenant ${request.headers['x-tenant'] ?? 'unknown'}`)
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
})

test.after.each(async () => {
  if (gateway === null || gateway.exitCode !== null) return
  gateway.kill('SIGTERM')
  const [code] = await once(gateway, 'exit')
  gateway = null
  assert.is(code, 0, 'the gateway ends in order')
})

test.after(async () => {
  upstream?.close()
  await rm(folder, { recursive: true, force: true })
})

test('the package has what is run and neither tests nor sources of the gateway', () => {
  assert.ok(packed.includes('dist/main.js'))
  assert.ok(packed.includes('host/bin/penstock.cjs'))
  assert.ok(packed.includes('LICENSE'))
  assert.ok(packed.includes('plugins/request-headers/build/request-headers.wasm'))
  const odd = packed.filter(
    (path) =>
      // The templates of `penstock new` bring their tests along.
      (path.endsWith('.test.ts') && !path.startsWith('dist/cli/new/templates/')) ||
      /^(?:host\/.*\.ts|test\/|bench\/)/.test(path),
  )
  assert.equal(odd, [])
})

test('a plugin of the package runs in the pool of an installed gateway', async () => {
  const code = `${installed}/plugins/request-headers/build/request-headers.wasm`
  const port = await serve(`
  - name: headers
    kind: WasmHost
    code: ${code}
    parameters: { set: "x-tenant: acme" }`)
  const response = await fetch(`http://127.0.0.1:${port}/orders`)
  assert.is(await response.text(), 'tenant acme')
})

test('penstock build compiles a first filter against the installed SDK', async () => {
  await mkdir(join(folder, 'plugins/first'), { recursive: true })
  await writeFile(
    join(folder, 'plugins/first/index.ts'),
    `import { Filter, Response } from '@penstock/sdk'

export class First extends Filter {
  onResponse(response: Response): void {
    response.headers.set('x-first', 'yes')
  }
}
`,
  )
  await run(process.execPath, [penstock(), 'build', 'plugins/first'], folder)
  const port = await serve(`
  - name: headers
    kind: WasmHost
    code: plugins/first/build/first.wasm`)
  const response = await fetch(`http://127.0.0.1:${port}/`)
  assert.is(response.headers.get('x-first'), 'yes')
  assert.is(await response.text(), 'tenant unknown')
})

test('the types of the package can be used', async () => {
  await writeFile(
    join(folder, 'embed.ts'),
    "import { createGateway } from '@penstock/gateway'\nexport const create: Function = createGateway\n",
  )
  const tsc = join(repository, 'node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', 'embed.ts']
  await run(process.execPath, [tsc, ...flags], folder)
})

/** Answers standard output; a failure shows it too, because tsc writes its errors there. */
function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${error.message}\n${stdout}`))
    })
  })
}

function penstock(): string {
  return join(folder, installed, 'host/bin/penstock.cjs')
}

/** Serves `upstream` behind one filter; answers the port once requests are answered. */
async function serve(filter: string): Promise<number> {
  const port = await freePort()
  const { port: upstreamPort } = upstream.address() as AddressInfo
  await writeFile(
    join(folder, 'gateway.yaml'),
    `kind: HTTPServer
name: front
port: ${port}
rules:
  - paths:
      - pathPrefix: /
        backend: orders
---
kind: Pipeline
name: orders
flow:
  - filter: headers
  - filter: proxy
filters:${filter}
  - name: proxy
    kind: Proxy
    pools:
      - servers:
          - url: http://127.0.0.1:${upstreamPort}
`,
  )
  const args = [penstock(), 'serve', '-f', 'gateway.yaml', '--admin-address', '127.0.0.1:0']
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'inherit' })
  gateway = child
  while (!(await answers(port))) {
    assert.is(child.exitCode, null, 'the gateway runs')
    await delay(50)
  }
  return port
}

async function answers(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`)
    return true
  } catch {
    // Refused: it does not listen yet.
    return false
  }
}
