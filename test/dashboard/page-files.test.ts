import { gzipSync } from 'node:zlib'
import { loadPage } from '../../host/dashboard/page-files.ts'
import { assert, suite } from '../support/suite.ts'

/** The page is bundled when it is asked for first. */
const test = suite('dashboard/page-files', { timeoutMs: 60_000 })

/** What the whole page may have, compressed. */
const MAX_COMPRESSED_BYTES = 80 * 1024

test('the whole page is under 80 KB compressed', async () => {
  const files = await loadPage()
  let total = 0
  for (const { bytes } of files.values()) total += gzipSync(bytes).length
  assert.ok(total > 5_000 && total < MAX_COMPRESSED_BYTES, `${total} bytes`)
})

test('it is a document, a script and a style without folders, and loads nothing from elsewhere', async () => {
  const files = await loadPage()
  assert.is(files.get('index.html')?.type, 'text/html; charset=utf-8')
  assert.is(files.get('app.js')?.type, 'text/javascript; charset=utf-8')
  assert.is(files.get('app.css')?.type, 'text/css; charset=utf-8')
  const document = files.get('index.html')?.bytes.toString('utf8') ?? ''
  const addresses = [...document.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)
  assert.ok(addresses.length >= 3, document)
  for (const address of addresses) {
    assert.ok(address?.startsWith('/ui/'), address)
    assert.ok(files.has(address?.slice('/ui/'.length) ?? ''), address)
  }
  // The page's policy forbids both.
  assert.not.match(document, /<script>|<style|style="|onload=/)
  const style = files.get('app.css')?.bytes.toString('utf8') ?? ''
  assert.not.match(style, /url\(|@import/)
})

test('it is bundled once', async () => {
  assert.is(await loadPage(), await loadPage())
})
