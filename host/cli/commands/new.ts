import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { GatewayError, reasonOf } from '../../errors.ts'
import { paint } from '../errors.ts'
import { type CliIo, EXIT, type ExitCode } from '../io.ts'
import { isProjectName, projectFiles, TEMPLATES } from '../new/project.ts'

/**
 * Writes a new project and says what to do next. The last part of `path` is its name. CLI_USAGE for a name
 * that cannot be one and for a folder that holds something.
 */
export function newProject(path: string, templateName: string, io: CliIo): ExitCode {
  const folder = resolve(io.cwd, path)
  const name = basename(folder)
  const template = TEMPLATES.find((one) => one === templateName) ?? 'header'
  if (!isProjectName(name)) {
    const like = name
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[._-]+/, '')
    const hint = isProjectName(like) ? `; "${like}" can` : ''
    throw usage(`"${name}" cannot be a name: lower case letters, digits and . _ -${hint}`)
  }
  if (existsSync(folder) && !isEmpty(folder)) throw usage(`${folder} exists and is not empty`)
  const files = projectFiles(name, template)
  try {
    mkdirSync(folder, { recursive: true })
    for (const { path: file, text } of files)
      writeFileSync(join(folder, file), text, { flag: 'wx' })
  } catch (error) {
    throw usage(`cannot write to ${folder}: ${reasonOf(error)}`)
  }
  const shown = relative(io.cwd, folder) || '.'
  const width = Math.max(...files.map((file) => file.path.length))
  const list = files.map((file) => `  ${file.path.padEnd(width)}  ${file.purpose}\n`).join('')
  io.stdout.write(
    `${paint(io.stdout, io.env, 'green', `made ${shown}/`)}\n${list}\n${nextSteps(shown)}`,
  )
  return EXIT.ok
}

function nextSteps(shown: string): string {
  const enter = shown === '.' ? '' : `  cd ${shown}\n`
  return `Next:
${enter}  npm install
  npm test         builds the filter and runs its tests
  npm run dev      runs it, with a mock upstream and the inspector; a save is live within a second
`
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0
  } catch {
    // A file of that name.
    return false
  }
}

function usage(reason: string): GatewayError {
  return new GatewayError('CLI_USAGE', { reason })
}
