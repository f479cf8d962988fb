import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configSchemaText } from '../../objects/config-schema.ts'
import { developmentDependencies, nodePackages } from './versions.ts'

/** What a project can start from. */
export const TEMPLATES = ['header', 'body'] as const
export type Template = (typeof TEMPLATES)[number]

/** The names that the templates stand for others with. */
const TEMPLATE_NAME = 'my-filter'
const TEMPLATE_CLASS = 'MyFilter'

const FOLDER = join(import.meta.dirname, 'templates')

/** What each file of a project is for, in the order they are listed. */
const PURPOSES: readonly (readonly [file: string, purpose: string])[] = [
  ['index.ts', 'the filter'],
  ['NAME.test.ts', 'its tests'],
  ['gateway.yaml', 'the gateway it runs in'],
  ['bench.json', 'the request it is measured with'],
  ['gateway.schema.json', 'what may stand in it, for editors'],
  ['package.json', 'scripts, and a gateway, a compiler and a Node of its own'],
  ['tsconfig.json', 'the types of AssemblyScript, for editors'],
  ['README.md', 'the commands'],
  ['.gitignore', 'what is made and not written'],
]

/** One file of a project. */
export interface ProjectFile {
  readonly path: string
  readonly text: string
  readonly purpose: string
}

/** The files of a new project, from what this package holds: nothing is downloaded. */
export function projectFiles(name: string, template: Template): ProjectFile[] {
  const texts = new Map<string, string>([
    ...readTemplate('common', name),
    ...readTemplate(template, name),
    ['gateway.schema.json', configSchemaText()],
    ['package.json', `${JSON.stringify(packageOf(name, template), null, 2)}\n`],
  ])
  const example = texts.get('try.md') ?? ''
  texts.set('README.md', (texts.get('README.md') ?? '').replace('TRY\n', example))
  return PURPOSES.map(([file, purpose]) => {
    const path = file.replace('NAME', name)
    return { path, purpose, text: texts.get(path) ?? '' }
  })
}

/** A name that can be that of a package, a plugin and a filter: lower case letters, digits and . _ - */
export function isProjectName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name) && name !== 'node_modules'
}

function readTemplate(folder: string, name: string): [path: string, text: string][] {
  return readdirSync(join(FOLDER, folder)).map((file) => {
    const text = readFileSync(join(FOLDER, folder, file), 'utf8')
      .replaceAll(TEMPLATE_NAME, name)
      .replaceAll(TEMPLATE_CLASS, className(name))
    // npm leaves a .gitignore out of a package.
    const path = file === 'gitignore' ? '.gitignore' : file.replace(TEMPLATE_NAME, name)
    return [path, text]
  })
}

/** `api-limit` becomes `ApiLimit`; a name that starts with a digit gets a letter before it. */
function className(name: string): string {
  const words = name.split(/[^a-z0-9]+/).filter((word) => word !== '')
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return /^\d/.test(joined) ? `F${joined}` : joined
}

function packageOf(name: string, template: Template): unknown {
  const token = template === 'header' ? ' --parameter token=secret' : ''
  return {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: {
      dev: 'penstock dev',
      test: 'penstock test',
      bench: `penstock build && penstock bench build/${name}.wasm --request bench.json${token}`,
      build: 'penstock build',
      start: 'penstock build && penstock serve -f gateway.yaml',
      schema: 'penstock schema --out gateway.schema.json',
    },
    devDependencies: developmentDependencies(),
    optionalDependencies: nodePackages(),
  }
}
