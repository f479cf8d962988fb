import type { Command } from '../command.ts'
import { applyCommand } from './apply.ts'
import { benchCommand } from './bench-command.ts'
import { buildCommand } from './build-command.ts'
import { deleteCommand } from './delete.ts'
import { demoCommand } from './demo.ts'
import { devCommand } from './dev.ts'
import { diffCommand } from './diff.ts'
import { explainCommand } from './explain.ts'
import { getCommand } from './get.ts'
import { newCommand } from './new-command.ts'
import { pluginInspectCommand } from './plugin-inspect.ts'
import { pluginLsCommand } from './plugin-ls.ts'
import { pluginPromoteCommand } from './plugin-promote.ts'
import { pluginPushCommand } from './plugin-push.ts'
import { pluginRmCommand } from './plugin-rm.ts'
import { pluginRollbackCommand } from './plugin-rollback.ts'
import { schemaCommand } from './schema.ts'
import { serveCommand } from './serve.ts'
import { statusCommand } from './status.ts'
import { testCommand } from './test-command.ts'
import { validateCommand } from './validate-command.ts'
import { wasmApplyDataCommand } from './wasm-apply-data.ts'
import { wasmDeleteDataCommand } from './wasm-delete-data.ts'
import { wasmListDataCommand } from './wasm-list-data.ts'
import { wasmReloadCodeCommand } from './wasm-reload-code.ts'

/** Every command, in the order of the help. A new one is one file and one line here. */
export const builtinCommands: readonly Command[] = [
  serveCommand,
  validateCommand,
  getCommand,
  applyCommand,
  diffCommand,
  deleteCommand,
  statusCommand,
  pluginPushCommand,
  pluginLsCommand,
  pluginInspectCommand,
  pluginPromoteCommand,
  pluginRollbackCommand,
  pluginRmCommand,
  wasmReloadCodeCommand,
  wasmListDataCommand,
  wasmApplyDataCommand,
  wasmDeleteDataCommand,
  newCommand,
  buildCommand,
  testCommand,
  benchCommand,
  explainCommand,
  schemaCommand,
  devCommand,
  demoCommand,
]

/** What the help says about words that hold several commands. */
export const COMMAND_GROUPS: Readonly<Record<string, string>> = {
  plugin: 'plugins of a running gateway',
  wasm: 'code and data of the WasmHost filters of a running gateway',
}
