import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadToken, readToken, TOKEN_FILE } from '../../host/admin/token-file.ts'
import { isGatewayError } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('admin/token-file')
let folder = ''

test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-token-'))
})
test.after.each(() => rm(folder, { recursive: true }))

async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (isGatewayError(error, 'ADMIN_TOKEN_FILE')) return error.message
    throw error
  }
  assert.unreachable('it was not refused')
  return ''
}

test('the first start makes a token of 32 random bytes that only its owner can read', async () => {
  const dataDir = join(folder, 'new', '.penstock')
  const token = await loadToken(dataDir)
  assert.match(token, /^[A-Za-z0-9_-]{43}$/)
  const kind = await stat(join(dataDir, TOKEN_FILE))
  assert.is(kind.mode & 0o777, 0o600)
  assert.is((await stat(dataDir)).mode & 0o777, 0o700)
  assert.is(await readFile(join(dataDir, TOKEN_FILE), 'utf8'), `${token}\n`)
  assert.equal(await readdir(dataDir), [TOKEN_FILE], 'no draft is left behind')
})

test('the next start takes the same token', async () => {
  const token = await loadToken(folder)
  assert.is(await loadToken(folder), token)
  assert.is(await readToken(folder), token)
})

test('processes that start together agree on one token', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => loadToken(folder)))
  assert.is(new Set(tokens).size, 1)
})

test('a token that the group or anybody can read is refused', async () => {
  await loadToken(folder)
  for (const mode of [0o640, 0o604, 0o620, 0o644]) {
    await chmod(join(folder, TOKEN_FILE), mode)
    assert.match(await failureOf(loadToken(folder)), mode.toString(8))
    await failureOf(readToken(folder))
  }
})

test('a short, an empty and a broken token are refused', async () => {
  for (const text of [
    '',
    'secret\n',
    'x'.repeat(31),
    `${'x'.repeat(40)}\nsecond line`,
    'ä'.repeat(40),
  ]) {
    await writeFile(join(folder, TOKEN_FILE), text, { mode: 0o600 })
    await failureOf(loadToken(folder))
  }
})

test('a folder in its place is refused, and a missing folder holds no token', async () => {
  assert.is(await readToken(join(folder, 'missing')), null)
  await mkdir(join(folder, TOKEN_FILE), { mode: 0o700 })
  await failureOf(loadToken(folder))
})
