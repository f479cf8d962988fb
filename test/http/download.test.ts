import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { download } from '../../host/http/download.ts'
import { Cleanup } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('http/download')

const cleanup = new Cleanup()
test.after.each(() => cleanup.run())

async function serve(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.add(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const never = new AbortController().signal

async function reason(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return ''
}

test('a body is whole, or the download fails', async () => {
  const url = await serve((_, response) => response.end(Buffer.alloc(1_000, 7)))
  assert.is((await download(url, 1_000, never)).bytes.length, 1_000)
  assert.match(await reason(download(url, 999, never)), 'longer than 999 bytes')
})

test('a body without end is given up at the limit', async () => {
  const url = await serve((_, response) => {
    const more = (): void => {
      while (response.write(Buffer.alloc(64 * 1024)));
      response.once('drain', more)
    }
    more()
  })
  assert.match(await reason(download(url, 100_000, never)), 'longer than 100000 bytes')
})

test('a redirect is told and not followed', async () => {
  const url = await serve((_, response) => response.writeHead(301, { location: '/x' }).end('body'))
  const { status, location, bytes } = await download(url, 10, never)
  assert.equal([status, location, bytes.length], [301, '/x', 0])
})

test('it ends when its time is up', async () => {
  const url = await serve((_, response) => void response.write('x'))
  assert.match(await reason(download(url, 10, AbortSignal.timeout(50))), /abort|timeout/i)
})
