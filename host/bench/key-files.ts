import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'
import { JWT_ALGORITHMS, type JwtAlgorithm } from '../wasm/jwt/jwt-key.ts'
import type { BenchOptions } from './subject.ts'

type Keys = NonNullable<BenchOptions['keys']>

/**
 * Keys as a configuration has them, of `ALGORITHM:FILE` by name: `{ login: 'ES256:login.pub.pem' }`. CLI_USAGE
 * for an algorithm that is none, CLI_FILE for a file that cannot be read.
 */
export async function readKeys(
  texts: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Keys> {
  const keys: Record<string, { algorithm: JwtAlgorithm; secret?: string; publicKey?: string }> = {}
  for (const [name, text] of Object.entries(texts)) {
    const [word = '', ...rest] = text.split(':')
    const algorithm = JWT_ALGORITHMS.find((one) => one === word)
    if (algorithm === undefined || rest.length === 0) {
      const reason = `--key takes name=algorithm:file with one of ${JWT_ALGORITHMS.join(', ')}, not "${name}=${text}"`
      throw new GatewayError('CLI_USAGE', { reason })
    }
    const key = await readKey(resolve(cwd, rest.join(':')))
    keys[name] = algorithm.startsWith('HS')
      ? { algorithm, secret: key }
      : { algorithm, publicKey: key }
  }
  return keys
}

async function readKey(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new GatewayError('CLI_FILE', { path, reason: reasonOf(error) }, error)
  }
}
