import { posix } from 'node:path'
import { runError } from '../template-error.ts'
import { dictGet, newDict } from '../value.ts'
import { fn, type TemplateFunction, textOf } from './define.ts'

const base = fn(['text'], (path) => (path === '' ? '.' : posix.basename(path) || '/'))
const dir = fn(['text'], (path) => posix.dirname(path))
const clean = fn(['text'], (path) => withoutEndSlash(posix.normalize(path)))
const ext = fn(['text'], (path) => {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot)
})
const isAbs = fn(['text'], (path) => path.startsWith('/'))

/** sprig's functions on paths and URLs. */
export const URL_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  base,
  osBase: base,
  dir,
  osDir: dir,
  clean,
  osClean: clean,
  ext,
  osExt: ext,
  isAbs,
  osIsAbs: isAbs,
  urlParse: fn(['text'], (text) => {
    const url = splitUrl(text)
    const dict = newDict()
    for (const [key, value] of Object.entries(url)) dict[key] = value
    return dict
  }),
  urlJoin: fn(['dict'], (dict) => {
    const part = (key: string): string => {
      const value = dictGet(dict, key)
      return value === undefined ? '' : textOf(value)
    }
    const scheme = part('scheme')
    const user = part('userinfo')
    const start = scheme === '' ? '' : `${scheme}:`
    const query = part('query') === '' ? '' : `?${part('query')}`
    const fragment = part('fragment') === '' ? '' : `#${part('fragment')}`
    if (part('opaque') !== '') return start + part('opaque') + query + fragment
    const host = part('host')
    const authority = host === '' && user === '' ? '' : `//${user === '' ? '' : `${user}@`}${host}`
    const path = part('path')
    const slash = authority !== '' && path !== '' && !path.startsWith('/') ? '/' : ''
    return start + authority + slash + path + query + fragment
  }),
}

interface UrlParts {
  readonly scheme: string
  readonly opaque: string
  readonly userinfo: string
  readonly host: string
  readonly hostname: string
  readonly path: string
  readonly query: string
  readonly fragment: string
}

/** The parts of a URL, as Go's url.Parse names them (RFC 3986, appendix B). */
export function splitUrl(text: string): UrlParts {
  const match =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(
      text,
    )
  if (match === null || /[\x00-\x20\x7f]/.test(match[2] ?? '')) {
    throw runError(`"${text}" is not a URL`)
  }
  const [, scheme = '', authority = '', rawPath = '', query = '', fragment = ''] = match
  const isOpaque = scheme !== '' && match[2] === undefined && !rawPath.startsWith('/')
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  return {
    scheme: scheme.toLowerCase(),
    opaque: isOpaque ? rawPath : '',
    userinfo: at < 0 ? '' : authority.slice(0, at),
    host,
    hostname: host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
    path: isOpaque ? '' : decode(rawPath),
    query,
    fragment: decode(fragment),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) throw runError(`invalid URL escape in "${text}"`)
    throw error
  }
}

function withoutEndSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
