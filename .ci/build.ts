// Makes dist/, what an installed package runs: the sources without their types, declarations, and the
// files the sources read. Node strips no types under node_modules.
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { buildPage } from '../host/dashboard/build-page.ts'

const root = join(import.meta.dirname, '..')
const tsc = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin/tsc',
)

// What a former build left must not be published.
rmSync(join(root, 'dist'), { recursive: true, force: true })
// Declarations keep their comments for who reads them. A program keeps its text in memory, and needs none.
for (const flags of [['--declaration', 'false', '--removeComments'], ['--emitDeclarationOnly']]) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...flags], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) process.exitCode = status ?? 1
}
// Sources that are given away as they are.
const templates = 'cli/new/templates'
cpSync(join(root, 'host', templates), join(root, 'dist', templates), { recursive: true })
// The sources of the page are not run; what is made of them is.
for (const file of globSync('**/*.{yaml,html}', {
  cwd: join(root, 'host'),
  exclude: ['dashboard/app/**'],
})) {
  cpSync(join(root, 'host', file), join(root, 'dist', file))
}
await buildPage(join(root, 'dist/dashboard/page'))
