import { EXIT } from './cli/io.ts'
import { runCli } from './cli/main.ts'
import { processIo } from './cli/process-io.ts'

/** How long what is still open may keep the process after its command is done. */
const EXIT_GRACE_MS = 1_000

const code = await runCli(process.argv.slice(2), processIo())
process.exitCode = code
// A second signal asks for the end at once; nothing that still runs is waited for.
if (code === EXIT.interrupted || code === EXIT.terminated) process.exit(code)
setTimeout(() => process.exit(code), EXIT_GRACE_MS).unref()
