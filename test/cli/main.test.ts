import { defineCommand } from '../../host/cli/command.ts'
import { builtinCommands } from '../../host/cli/commands/builtin.ts'
import { runCli } from '../../host/cli/main.ts'
import { assert, suite } from '../support/suite.ts'
import { fakeIo, run } from './support.ts'

const test = suite('cli/main')

const ESCAPE = '\x1b['

test('the help lists every command and group, and exits 0', async () => {
  for (const argv of [['--help'], ['-h'], ['help']]) {
    const { code, out, err } = await run(argv)
    assert.is(code, 0)
    assert.is(err, '')
    for (const { name } of builtinCommands) assert.match(out, ` ${name.split(' ')[0]}`)
    assert.match(out, 'Examples:')
    assert.match(out, 'Exit codes:')
  }
})

test('every command has a help with its examples', async () => {
  for (const { name, summary, examples } of builtinCommands) {
    const { code, out } = await run([...name.split(' '), '--help'])
    assert.is(code, 0, name)
    assert.match(out, summary.split(' ').slice(0, 3).join(' '))
    assert.ok(examples.length > 0)
    for (const example of examples) assert.match(out, `  ${example}`)
  }
})

test('the version is printed alone', async () => {
  const { code, out } = await run(['--version'])
  assert.is(code, 0)
  assert.match(out, /^\d+\.\d+\.\d+\S*\n$/)
})

test('wrong usage exits 2, on standard error, and ends with what to do next', async () => {
  const lines = [
    ['gett'],
    ['get', '--nonsense'],
    ['get', '-o', 'xml'],
    ['plugin', 'push'],
    ['plugin', 'pus', 'x'],
    ['get', 'a', 'b', 'c'],
    ['serve'],
    ['apply'],
    ['delete'],
    ['serve', '-f', 'x', '--workers', 'many'],
    ['serve', '-f', 'x', '--admin-address', 'a:b:c'],
    ['get', '--server', 'ftp://x'],
    ['plugin', 'push', 'x.wasm', '--filter', 'demo'],
  ]
  for (const argv of lines) {
    const { code, out, err } = await run(argv)
    assert.is(code, 2, argv.join(' '))
    assert.is(out, '', argv.join(' '))
    assert.match(err, /^error: /, argv.join(' '))
    assert.match(err.trimEnd().split('\n').at(-1) ?? '', /"penstock .*help|--help/, argv.join(' '))
  }
})

test('no command at all shows the help as an error', async () => {
  for (const argv of [[], ['plugin']]) {
    const { code, out, err } = await run(argv)
    assert.is(code, 2)
    assert.is(out, '')
    assert.match(err, 'Usage: penstock')
  }
})

test('a command that is nearly right gets a suggestion', async () => {
  assert.match((await run(['serv'])).err, 'serve')
  assert.match((await run(['get', '--sever', 'x'])).err, '--server')
})

test('errors are red on a terminal only, unless the environment says otherwise', async () => {
  const colored = async (isTerminal: boolean, env: Record<string, string>) =>
    (await run(['apply'], { isTerminal, env })).err.includes(`${ESCAPE}31m`)
  assert.is(await colored(false, {}), false)
  assert.is(await colored(true, {}), true)
  assert.is(await colored(true, { NO_COLOR: '1' }), false)
  assert.is(await colored(true, { NO_COLOR: '' }), true)
  assert.is(await colored(true, { TERM: 'dumb' }), false)
  assert.is(await colored(false, { FORCE_COLOR: '1' }), true)
  assert.is(await colored(false, { FORCE_COLOR: '1', NO_COLOR: '1' }), true)
  assert.is(await colored(true, { FORCE_COLOR: '0' }), false)
})

test('global options are taken before and after the command, and win over the environment', async () => {
  const seen: string[] = []
  const probe = defineCommand({
    name: 'group probe',
    summary: 'probe',
    arguments: [{ name: '[names...]', description: 'names' }],
    options: [{ flags: '-f, --file <path>', description: 'files', isRepeatable: true }],
    examples: ['penstock group probe'],
    run: ({ args, options, global }) => {
      const { server, token, dataDir, output } = global
      seen.push([server, token, dataDir, output, ...options.list('file'), ...args].join(' '))
      return Promise.resolve(0)
    },
  })
  const env = { PENSTOCK_SERVER: 'http://env', PENSTOCK_TOKEN: 'secret', PENSTOCK_DATA_DIR: '' }
  await runCli(['--server', 'http://a', 'group', 'probe'], fakeIo({ env }), [probe])
  await runCli(['group', 'probe', '--server', 'http://b', '-o', 'json'], fakeIo({ env }), [probe])
  await runCli(['group', 'probe', '-f', '1', 'x', '-f', '2', 'y'], fakeIo({}), [probe])
  assert.equal(seen, [
    'http://a secret  default',
    'http://b secret  json',
    'http://127.0.0.1:2381   default 1 2 x y',
  ])
})

test('an error nobody expected is shown with a way to report it, and no stack', async () => {
  const broken = defineCommand({
    name: 'broken',
    summary: 'broken',
    examples: [],
    run: () => Promise.reject(new TypeError('cannot \x1b[2J read x')),
  })
  const io = fakeIo({})
  assert.is(await runCli(['broken'], io, [broken]), 2)
  assert.match(io.err(), /^error: cannot \\x1b\[2J read x\n.*report/)
  assert.not.match(io.err(), / at /)
})
