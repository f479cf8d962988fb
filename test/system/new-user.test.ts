import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { fetchFrom, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { startRegistry } from './local-registry.ts'
import { packPackages, runAsUser, USER_ENVIRONMENT } from './packed-packages.ts'

/** Packing builds everything, and installing may have to ask a registry. */
const test = suite('system/new-user', { timeoutMs: 300_000 })

const REPOSITORY = join(import.meta.dirname, '../..')
const TUTORIAL = join(REPOSITORY, 'docs/tutorial.md')

/** What is promised: the whole way, and the first green test after the installation. */
const WHOLE_WAY_MS = 300_000
const FIRST_TEST_MS = 60_000

/** How long one thing may take on a busy machine. */
const PATIENCE_MS = 90_000

let folder = ''
let project = ''
let registry: { readonly url: string; readonly server: Server }
let creator = ''
/** The Node of the machine, which runs npm: not the one this test runs on. */
let nodeVersion = ''
const children: ChildProcess[] = []
/** What was done and how long it took, in the order of the page. */
const steps: { readonly name: string; readonly ms: number }[] = []

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-new-user-'))
  const packages = await packPackages(folder)
  registry = await startRegistry(packages)
  creator = packages.at(-1)?.file ?? ''
  nodeVersion = (await runAsUser('node', ['--version'], folder)).trim()
})
test.after(async () => {
  for (const child of children) await stop(child)
  registry?.server.close()
  await rm(folder, { recursive: true, force: true })
})

/** Does a step of the way, and notes how long it took. */
async function step<T>(name: string, action: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now()
  const done = await action()
  const ms = performance.now() - startedAtMs
  steps.push({ name, ms })
  process.stdout.write(`${name}: ${seconds(ms)}\n`)
  return done
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Something that runs until it is stopped, with what it has said so far. */
function start(command: string, args: readonly string[], cwd: string) {
  const child = spawn(command, args, { cwd, env: USER_ENVIRONMENT, detached: true })
  children.push(child)
  const running = { child, output: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      running.output += text
    })
  }
  return running
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const closed = once(child, 'close')
  // npm has children of its own: the whole group is told.
  process.kill(-child.pid, 'SIGTERM')
  await closed
}

const npm = (...args: string[]): Promise<string> => runAsUser('npm', args, project)
const npx = (...args: string[]): Promise<string> => runAsUser('npx', args, project)

const scope = (): string => `--@penstock:registry=${registry.url}`

async function edit(search: string, replacement: string): Promise<void> {
  const file = join(project, 'index.ts')
  const source = await readFile(file, 'utf8')
  assert.match(source, search)
  await writeFile(file, source.replace(search, replacement))
}

test('a project is made from the packed packages, on the Node of the machine', async () => {
  assert.match(nodeVersion, /^v\d+\.\d+/)
  await mkdir(join(folder, 'work'))
  const work = join(folder, 'work')
  project = join(work, 'my-filter')
  const said = await step('`npm create penstock my-filter`', () =>
    // As npm create does it, from the packed file.
    runAsUser(
      'npm',
      ['exec', '--yes', scope(), `--package=${creator}`, '--', 'create-penstock', 'my-filter'],
      work,
    ),
  )
  assert.match(said, 'made my-filter/')
  assert.match(said, 'npm install')
  await step('`npm install`', () => npm('install', scope()))
})

test('its tests are green', async () => {
  const said = await step('`npm test`', () => npm('test'))
  assert.match(said, 'all tests passed')
})

test('dev follows an edit, and a deliberate trap has its line', async () => {
  const original = await readFile(join(project, 'index.ts'), 'utf8')
  const dev = start('npm', ['run', 'dev'], project)
  await step('`npm run dev` until it serves', () =>
    until(() => /Ctrl-C stops/.test(dev.output), 'dev runs', PATIENCE_MS),
  )
  const port = Number(/server +http:\/\/127\.0\.0\.1:(\d+)/.exec(dev.output)?.[1])
  const headers = { authorization: 'Bearer secret' }
  const ask = (path: string) => fetchFrom(port, path, { headers })
  assert.match((await ask('/orders')).body, 'x-tenant: acme')
  const set = "request.headers.set('x-tenant', this.tenant)"
  await step('an edit, from save to effect', async () => {
    await edit(set, `${set}\n    request.headers.set('x-edited', 'yes')`)
    await until(
      async () => (await ask('/')).body.includes('x-edited: yes'),
      'the edit',
      PATIENCE_MS,
    )
  })
  await step('a trap, from save to the line of the source', async () => {
    await edit(set, `if (request.path.equals('/trap')) throw new Error('on purpose')\n    ${set}`)
    await until(async () => (await ask('/trap')).status === 503, 'the trap', PATIENCE_MS)
    await until(
      () => /on purpose[\s\S]*index\.ts:\d+:\d+/.test(dev.output),
      'its line',
      PATIENCE_MS,
    )
  })
  const trap = /on purpose.*?index\.ts:(\d+):\d+/s.exec(dev.output)?.[1]
  const line = (await readFile(join(project, 'index.ts'), 'utf8')).split('\n')[Number(trap) - 1]
  assert.match(line ?? '', "throw new Error('on purpose')")
  await stop(dev.child)
  await writeFile(join(project, 'index.ts'), original)
})

test('bench says what the filter costs, and build makes the module', async () => {
  const said = await step('`npm run bench`', () => npm('run', 'bench'))
  assert.match(said, /host calls +\d+/)
  assert.match(said, /worker +[\d.]+ us/)
  const built = await step('`npm run build`', () => npm('run', 'build'))
  assert.match(built, /my-filter +request/)
})

test('a new version is pushed into a running gateway, and taken back', async () => {
  const upstream = createServer((request, response) => {
    response.end(`pushed: ${request.headers['x-pushed'] ?? 'no'}`)
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  // A gateway elsewhere: it does not see what is built here.
  const elsewhere = join(folder, 'elsewhere')
  const [port, adminPort] = [await freePort(), await freePort()]
  await mkdir(join(elsewhere, 'build'), { recursive: true })
  await cp(join(project, 'build/my-filter.wasm'), join(elsewhere, 'build/my-filter.wasm'))
  const config = (await readFile(join(project, 'gateway.yaml'), 'utf8'))
    .replace('10080', String(port))
    .replace('9095', String((upstream.address() as AddressInfo).port))
  await writeFile(join(elsewhere, 'gateway.yaml'), config)
  const address = `127.0.0.1:${adminPort}`
  const gateway = start(
    join(project, 'node_modules/.bin/penstock'),
    ['serve', '-f', 'gateway.yaml', '--admin-address', address],
    elsewhere,
  )
  const body = async (): Promise<string> => {
    try {
      return (await fetchFrom(port, '/', { headers: { authorization: 'Bearer secret' } })).body
    } catch {
      // Refused: it does not listen yet.
      assert.is(gateway.child.exitCode, null, gateway.output)
      return ''
    }
  }
  await until(async () => (await body()) === 'pushed: no', 'it serves', PATIENCE_MS)
  const set = "request.headers.set('x-tenant', this.tenant)"
  await edit(set, `${set}\n    request.headers.set('x-pushed', 'yes')`)
  await npm('run', 'build')
  const target = ['--server', `http://${address}`, '--data-dir', join(elsewhere, '.penstock')]
  await step('`penstock plugin push`', async () => {
    await npx(
      'penstock',
      'plugin',
      'push',
      'build/my-filter.wasm',
      '--filter',
      'main/my-filter',
      ...target,
    )
    await until(async () => (await body()) === 'pushed: yes', 'the new version', PATIENCE_MS)
  })
  await step('`penstock plugin rollback`', async () => {
    await npx('penstock', 'plugin', 'rollback', 'main/my-filter', ...target)
    await until(async () => (await body()) === 'pushed: no', 'the former version', PATIENCE_MS)
  })
  await stop(gateway.child)
  upstream.close()
})

test('the whole way takes less than five minutes, the first green test less than one', async () => {
  const whole = steps.reduce((sum, { ms }) => sum + ms, 0)
  process.stdout.write(`the whole way: ${seconds(whole)}\n`)
  assert.is(steps.length, 10)
  assert.ok(whole < WHOLE_WAY_MS, seconds(whole))
  const first = steps.find(({ name }) => name === '`npm test`')?.ms ?? Number.POSITIVE_INFINITY
  assert.ok(first < FIRST_TEST_MS, seconds(first))
  if (process.env['PENSTOCK_WRITE_DOCS'] === '1') await writeTimes(whole)
})

/** Into the table of the tutorial. */
async function writeTimes(whole: number): Promise<void> {
  const page = await readFile(TUTORIAL, 'utf8')
  const rows = [...steps, { name: 'all of it', ms: whole }].map(
    ({ name, ms }) => `| ${name} | ${seconds(ms)} |`,
  )
  const table = `| step | took |\n| --- | --- |\n${rows.join('\n')}\n`
  const changed = page.replace(
    /(<!-- times -->\n)[\s\S]*?(<!-- \/times -->)/,
    (_, begin: string, end: string) =>
      `${begin}\n${table}\nNode of the machine: ${nodeVersion}.\n\n${end}`,
  )
  assert.match(page, '<!-- times -->')
  await writeFile(TUTORIAL, changed)
}
