// Checks the directions of imports under host/, and that no files import each other in a circle:
//
//   node .ci/imports.ts [ROOT]
//
// A type import counts for the direction: a lower layer that names a type of a higher one knows about it.
// It does not make a circle: nothing is left of it when the code runs.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, resolve, sep } from 'node:path'

/** From top to bottom: a layer imports what stands below it. Layers on one line do not see each other. */
const LAYERS: readonly (readonly string[])[] = [
  ['main', 'index'],
  ['cli'],
  ['dashboard'],
  ['gateway'],
  ['bench'],
  ['testing'],
  ['admin'],
  ['control'],
  ['objects'],
  ['inspect'],
  ['traffic'],
  ['filters'],
  ['toolchain'],
  ['acme'],
  ['upstream', 'wasm'],
  ['resilience', 'template'],
  ['http'],
  ['exchange'],
  ['config'],
  ['observe'],
  [
    'errors',
    'clock',
    'turn',
    'usage-pool',
    'file-watch',
    'free-port',
    'version',
    'platform',
    'stored-file',
  ],
]

/** Layers that see less than everything below them. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // Commands talk to a running gateway over HTTP. `serve` and `demo` start one, `validate` needs what a
  // configuration may hold.
  cli: [
    'dashboard',
    'gateway',
    'bench',
    'testing',
    'admin',
    'control',
    'objects',
    'traffic',
    'filters',
    'toolchain',
    'config',
    'observe',
    'errors',
    'clock',
    'file-watch',
    'free-port',
    'version',
  ],
  // The page and the gateway share the shape of what is recorded, and nothing else.
  dashboard: ['admin', 'inspect'],
}

/** Layers that not everything above them may import. */
const IMPORTED_BY: Readonly<Record<string, readonly string[]>> = {
  // The compiler is an optional package: a gateway that only serves must never load it.
  toolchain: ['main', 'index', 'cli', 'gateway', 'bench', 'testing'],
}

/** What `cli` and `dashboard` may know of `admin`: the shape of what travels and where token and page lie. */
const ADMIN_SHAPES = /^host\/admin\/(?:.*\/)?(?:schemas?|types|token-file|page)(?:\/|\.ts$)/

interface Import {
  /** Path from the root, with slashes, of the file that imports and of the one imported. */
  readonly from: string
  readonly to: string
  readonly line: number
  readonly isType: boolean
}

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'))
const files = readdirSync(join(root, 'host'), { recursive: true, encoding: 'utf8' })
  .map((name) => `host/${name.split(sep).join('/')}`)
  .filter((name) => /\.tsx?$/.test(name) && !/\/(?:node_modules|templates)\//.test(name))
  .sort()
const imports = new Map(files.map((file) => [file, importsOf(file)]))
const problems = [...[...imports.values()].flat().flatMap(checkDirection), ...findCycles()]
for (const problem of problems) process.stdout.write(`${problem}\n`)
process.stdout.write(`${files.length} files under host/, ${problems.length} wrong imports\n`)
process.exitCode = problems.length === 0 && files.length > 0 ? 0 : 1

/** The imports of files of ours; a statement starts its line, so an example in a comment is none. */
function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), 'utf8')
  const found: Import[] = []
  const patterns = [
    /^(?:import|export)\s+(?:type\s+)?[\w\s,*{}$]*?\bfrom\s+'(\.[^']+)'/gm,
    /^import\s+'(\.[^']+)'/gm,
    /\bimport\(\s*'(\.[^']+)'\s*\)/g,
    // How a worker's file is named; a folder or a file of data is no import.
    /\bnew URL\(\s*[`'](\.[^`']+(?:\.ts|\}))[`'],\s*import\.meta\.url/g,
  ]
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) {
      const to = posix.join(posix.dirname(from), match[1] ?? '')
      const line = text.slice(0, match.index + match[0].length).split('\n').length
      found.push({ from, to, line, isType: /^(?:import|export)\s+type\b/.test(match[0]) })
    }
  }
  return found
}

function checkDirection({ from, to, line }: Import): string[] {
  const complain = (rule: string): string[] => [`${from}:${line}: imports ${to}: ${rule}`]
  if (!to.startsWith('host/')) {
    return to === 'package.json' ? [] : complain('host/ imports nothing from outside')
  }
  const above = layerOf(from)
  const below = layerOf(to)
  for (const layer of [above, below]) {
    if (rankOf(layer) < 0) return complain(`"${layer}" has no place among the layers`)
  }
  if (above === below) return []
  if (rankOf(above) >= rankOf(below)) {
    return complain(`${above} does not stand above ${below}`)
  }
  const allowed = MAY_IMPORT[above]
  if (allowed !== undefined && !allowed.includes(below)) {
    return complain(`${above} imports only ${allowed.join(', ')}`)
  }
  const importers = IMPORTED_BY[below]
  if (importers !== undefined && !importers.includes(above)) {
    return complain(`only ${importers.join(', ')} import ${below}`)
  }
  if (below === 'admin' && allowed !== undefined && !ADMIN_SHAPES.test(to)) {
    return complain(`${above} imports only schemas and types of admin`)
  }
  return []
}

/** `host/traffic/router.ts` and `host/traffic.ts` are in the layer `traffic`. */
function layerOf(file: string): string {
  return (file.split('/')[1] ?? '').replace(/(?:\.d)?\.tsx?$/, '')
}

function rankOf(layer: string): number {
  return LAYERS.findIndex((layers) => layers.includes(layer))
}

/** Depth first; every cycle is told once, at the import that closes it. */
function findCycles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    path.push(file)
    for (const { to, line, isType } of imports.get(file) ?? []) {
      if (isType) continue
      const start = path.indexOf(to)
      if (start >= 0) {
        found.push(`${file}:${line}: closes a circle: ${[...path.slice(start), to].join(' > ')}`)
      } else if (!done.has(to)) {
        visit(to)
      }
    }
    path.pop()
    done.add(file)
  }
  for (const file of files) if (!done.has(file)) visit(file)
  return found
}
