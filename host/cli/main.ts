import { CommanderError, Option, Command as Program } from 'commander'
import { VERSION } from '../version.ts'
import {
  type Command,
  type CommandOptions,
  type GlobalOptions,
  OUTPUT_FORMATS,
  type OutputFormat,
} from './command.ts'
import { builtinCommands, COMMAND_GROUPS } from './commands/builtin.ts'
import { exitCodeOf, paint, writeError } from './errors.ts'
import { releaseFootprint } from './footprint.ts'
import { type CliIo, EXIT, type ExitCode, hasColor } from './io.ts'

/** Where the admin API is when nobody says otherwise. */
export const DEFAULT_SERVER = 'http://127.0.0.1:2381'

const DEFAULT_WIDTH = 80

/**
 * Runs one command line, without the program's name. Never throws: what goes wrong is written to standard
 * error, with what to do about it, and told by the exit code (see `EXIT`).
 */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  commands: readonly Command[] = builtinCommands,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok
  const program = createProgram(io)
  for (const command of commands) {
    const leaf = addCommand(program, command)
    leaf.action(async () => {
      const options = optionsOf(leaf.opts())
      if (command.holdsFootprint?.(options) !== true) releaseFootprint()
      exitCode = await command.run({
        args: leaf.processedArgs.flat().filter((arg): arg is string => arg !== undefined),
        options,
        global: globalsOf(program.opts(), io),
        io,
      })
    })
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has written its message or the help already; asked for help is no mistake, everything else is.
      const isAsked = ['commander.helpDisplayed', 'commander.version'].includes(error.code)
      return isAsked || error.exitCode === 0 ? EXIT.ok : EXIT.usage
    }
    writeError(error, io)
    return exitCodeOf(error)
  }
}

function createProgram(io: CliIo): Program {
  return new Program('penstock')
    .description('A traffic gateway whose filters can be swapped while traffic flows.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addOption(
      new Option('--server <url>', `the admin API (PENSTOCK_SERVER; default ${DEFAULT_SERVER})`),
    )
    .addOption(
      new Option(
        '--token <token>',
        'its token (PENSTOCK_TOKEN; default: that of the data directory)',
      ),
    )
    .addOption(
      new Option(
        '--data-dir <folder>',
        'data directory of the gateway (PENSTOCK_DATA_DIR; default .penstock)',
      ),
    )
    .addOption(
      new Option('-o, --output <format>', 'how results are written').choices(OUTPUT_FORMATS),
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => {
        const message = text.replace(/^error: /, '')
        write(`${paint(io.stderr, io.env, 'red', 'error:')} ${message}`)
      },
      getOutHelpWidth: () => io.columns || DEFAULT_WIDTH,
      getErrHelpWidth: () => io.columns || DEFAULT_WIDTH,
      getOutHasColors: () => hasColor(io.stdout, io.env),
      getErrHasColors: () => hasColor(io.stderr, io.env),
    })
    .showHelpAfterError(
      'Run "penstock --help" for the commands, "penstock COMMAND --help" for examples.',
    )
    .addHelpText('after', helpTail)
}

function addCommand(program: Program, command: Command): Program {
  const words = command.name.split(' ')
  const last = words.pop() ?? command.name
  let parent = program
  for (const word of words) parent = groupOf(parent, word)
  const leaf = parent.command(last).description(command.summary)
  for (const { name, description } of command.arguments ?? []) leaf.argument(name, description)
  for (const spec of command.options ?? []) {
    const suffix = spec.defaultText === undefined ? '' : ` (default ${spec.defaultText})`
    const option = new Option(spec.flags, spec.description + suffix)
    if (spec.choices !== undefined) option.choices(spec.choices)
    if (spec.isRepeatable === true) option.argParser(collect)
    leaf.addOption(option)
  }
  leaf.showHelpAfterError(`Run "penstock ${command.name} --help" for what it takes.`)
  const examples = command.examples.map((example) => `  ${example}\n`).join('')
  leaf.addHelpText('after', `\nExamples:\n${examples}\nOptions of every command: penstock --help`)
  return leaf
}

/** The command that holds a group, for instance `plugin` for `plugin push`. */
function groupOf(parent: Program, word: string): Program {
  const found = parent.commands.find((one) => one.name() === word)
  return found ?? parent.command(word).description(COMMAND_GROUPS[word] ?? '')
}

function collect(value: string, before: unknown): string[] {
  return Array.isArray(before) ? [...(before as string[]), value] : [value]
}

function optionsOf(values: Readonly<Record<string, unknown>>): CommandOptions {
  return {
    text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    list: (name) => (Array.isArray(values[name]) ? (values[name] as string[]) : []),
    flag: (name) => values[name] === true,
  }
}

/** A flag wins over the environment, and an empty variable counts as none. */
function globalsOf(values: Readonly<Record<string, unknown>>, io: CliIo): GlobalOptions {
  const read = (name: string, variable: string): string | null => {
    const value = values[name] ?? io.env[variable]
    return typeof value === 'string' && value !== '' ? value : null
  }
  return {
    server: read('server', 'PENSTOCK_SERVER') ?? DEFAULT_SERVER,
    token: read('token', 'PENSTOCK_TOKEN'),
    dataDir: read('dataDir', 'PENSTOCK_DATA_DIR'),
    output: (values['output'] as OutputFormat | undefined) ?? 'default',
  }
}

const helpTail = `
Examples:
  penstock validate -f gateway.yaml
  penstock serve -f gateway.yaml
  penstock get
  penstock plugin push build/limit.wasm --filter demo/limit

Exit codes: 0 done, 1 a check failed or the gateway refused, 2 wrong usage, an unreadable file or an
unreachable gateway, 130 Ctrl-C.`
