import type { Command } from '../command.ts'
import { applyCommand } from './apply.ts'
import { buildCommand } from './build-command.ts'
import { deleteCommand } from './delete.ts'
import { demoCommand } from './demo.ts'
import { getCommand } from './get.ts'
import { pluginLsCommand } from './plugin-ls.ts'
import { pluginPushCommand } from './plugin-push.ts'
import { pluginRollbackCommand } from './plugin-rollback.ts'
import { serveCommand } from './serve.ts'
import { statusCommand } from './status.ts'
import { testCommand } from './test-command.ts'
import { validateCommand } from './validate-command.ts'

/** Every command, in the order of the help. A new one is one file and one line here. */
export const builtinCommands: readonly Command[] = [
  serveCommand,
  validateCommand,
  getCommand,
  applyCommand,
  deleteCommand,
  statusCommand,
  pluginPushCommand,
  pluginLsCommand,
  pluginRollbackCommand,
  buildCommand,
  testCommand,
  demoCommand,
]

/** What the help says about words that hold several commands. */
export const COMMAND_GROUPS: Readonly<Record<string, string>> = {
  plugin: 'plugins of a running gateway',
}
