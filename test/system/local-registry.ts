import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'

/** A package as `npm pack` has made it. */
export interface PackedPackage {
  readonly file: string
  readonly integrity: string
  /** Its package.json. */
  readonly manifest: { readonly name: string; readonly version: string }
}

/**
 * A registry that has these packages and nothing else. npm is told to ask it for one scope, so that what a
 * new user would type works with packages that nobody has published.
 */
export async function startRegistry(
  packages: readonly PackedPackage[],
): Promise<{ readonly url: string; readonly server: Server }> {
  const byName = new Map(packages.map((one) => [one.manifest.name, one]))
  const byFile = new Map(packages.map((one) => [`/${basename(one.file)}`, one]))
  let url = ''
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    const tarball = byFile.get(path)
    const found = byName.get(path.slice(1))
    if (tarball !== undefined) {
      void readFile(tarball.file).then((bytes) => response.end(bytes))
    } else if (found === undefined) {
      response.writeHead(404).end('{}')
    } else {
      const { manifest, file, integrity } = found
      const dist = { tarball: `${url}/${basename(file)}`, integrity }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name: manifest.name,
          'dist-tags': { latest: manifest.version },
          versions: { [manifest.version]: { ...manifest, dist } },
        }),
      )
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, server }
}
