import { assert } from '../../support/suite.ts'
import { GET } from '../server-suite.ts'
import { stallLoop } from '../stall.ts'
import { forEachProxy } from '../upstream-suite.ts'

/** Past all limits here, and past the times between two looks at them. */
const STALL_MS = 1_500
const LIMIT_MS = 700

forEachProxy('stalled-loop', (test, { start }) => {
  test('an answer that came while the loop stood still is in time', async () => {
    const client = await start(
      (socket) => {
        void stallLoop(STALL_MS, () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
        })
      },
      { timeoutMs: LIMIT_MS },
    )
    assert.is((await client.ask(GET)).status, 200)
  })

  test('the rest of an answer that came while the loop stood still is in time', async () => {
    const client = await start(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe')
        setTimeout(() => {
          void stallLoop(STALL_MS, () => {
            socket.write('llo')
          })
        }, 100)
      },
      { client: { bodyIdleTimeoutMs: LIMIT_MS } },
    )
    assert.is((await client.ask(GET)).body, 'hello')
  })
})
