import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { notYet, z } from '../../config/schema.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import type { Request } from '../../exchange/request.ts'
import type { FilterEnv } from '../env.ts'
import { Htpasswd, parseHtpasswd } from './htpasswd.ts'

/** Bytes of a file of users. */
export const MAX_USER_FILE_BYTES = 4 * 1024 * 1024

/** Characters of an Authorization header: hashing a long password takes long. */
export const MAX_CREDENTIALS_LENGTH = 512

const NOT_YET = 'the modes ETCD and LDAP are not supported yet: use FILE'

/** Names and passwords of users (RFC 7617). */
export function basicAuthField() {
  return z
    .strictObject({
      mode: z.enum(['FILE'], { error: NOT_YET }).default('FILE').describe('Where users are kept.'),
      userFile: z
        .string()
        .default('')
        .describe('A file that htpasswd has written: bcrypt, {SHA} or $apr1$; others are refused.'),
      ...notYet({
        etcdPrefix: 'keep the users in `userFile`',
        ldap: 'keep the users in `userFile`',
      }),
    })
    .superRefine(({ userFile }, context) => {
      if (userFile !== '') return
      context.addIssue({
        code: 'custom',
        path: ['userFile'],
        message: 'the mode FILE needs `userFile`',
      })
    })
    .describe('Users with passwords, from a file; else 401.')
}

/** Checks the Authorization header of requests against a file, which is read again when it changes. */
export class BasicAuth {
  /** The files it was made from: a change of one makes the pipeline anew. */
  readonly files: readonly string[]
  readonly #users: Htpasswd

  private constructor(users: Htpasswd, file: string) {
    this.#users = users
    this.files = [file]
  }

  /** Fails with USER_FILE. */
  static async open(spec: { readonly userFile: string }, env: FilterEnv): Promise<BasicAuth> {
    const file = resolve(env.baseDir, spec.userFile)
    const { hashes, problems } = parseHtpasswd(await read(file))
    const [first] = problems
    if (first !== undefined) throw new GatewayError('USER_FILE', { path: file, reason: first })
    return new BasicAuth(new Htpasswd(hashes), file)
  }

  /** The user, or what is wrong. */
  async check(request: Request): Promise<{ readonly user: string } | string> {
    const header = request.headers.get('authorization')
    const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '')
    if (match === null || match[0].length > MAX_CREDENTIALS_LENGTH)
      return 'there are no credentials'
    const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8')
    const colon = text.indexOf(':')
    if (colon < 0) return 'the credentials are not USER:PASSWORD'
    const user = text.slice(0, colon)
    const isGood = await this.#users.matches(user, text.slice(colon + 1))
    return isGood ? { user } : 'the user is unknown or the password is wrong'
  }
}

async function read(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > MAX_USER_FILE_BYTES)
      throw new Error(`it is larger than ${MAX_USER_FILE_BYTES} bytes`)
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new GatewayError('USER_FILE', { path: file, reason: reasonOf(error) }, error)
  }
}
