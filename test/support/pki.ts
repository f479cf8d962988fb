import { readFileSync } from 'node:fs'

export interface Pair {
  readonly cert: string
  readonly key: string
}

/** A certificate of `test/support/pki` with its key, in PEM. */
export function pair(name: string): Pair {
  return { cert: read(`${name}.pem`), key: read(`${name}.key`) }
}

/** An authority of `test/support/pki`, in PEM. */
export function authority(name: string): string {
  return read(`${name}.pem`)
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function read(file: string): string {
  return readFileSync(new URL(`pki/${file}`, import.meta.url), 'latin1')
}
