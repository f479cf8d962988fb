import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * The key of the inspector's page: made anew for each process, good for what is recorded and for nothing
 * else. See host/decisions/0003-inspector-key.md for why the page does not get the admin token.
 */
export class InspectorKey {
  readonly text: string = randomBytes(32).toString('base64url')
  readonly #digest = digest(this.text)

  /** Does this Authorization header carry the key? */
  matches(authorization: string | undefined): boolean {
    const token = /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1]
    return token !== undefined && timingSafeEqual(digest(token), this.#digest)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
