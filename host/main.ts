import { holdFootprint } from './cli/footprint.ts'

// Before the rest of the program is read: that alone makes it grow.
holdFootprint()
const { EXIT } = await import('./cli/io.ts')
const { runCli } = await import('./cli/main.ts')
const { processIo } = await import('./cli/process-io.ts')

/** How long what is still open may keep the process after its command is done. */
const EXIT_GRACE_MS = 1_000

const code = await runCli(process.argv.slice(2), processIo())
process.exitCode = code
// A second signal asks for the end at once; nothing that still runs is waited for.
if (code === EXIT.interrupted || code === EXIT.terminated) process.exit(code)
setTimeout(() => process.exit(code), EXIT_GRACE_MS).unref()
