import { type Cleanup, until } from '../support/gateway.ts'

/** Opens a WebSocket through the gateway, sends texts, and answers with as many as come back. */
export async function talk(
  cleanup: Cleanup,
  port: number,
  path: string,
  texts: readonly string[],
): Promise<string[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  cleanup.add(() => socket.close())
  const got: string[] = []
  let hasFailed = false
  socket.addEventListener('message', (event) => got.push(String(event.data)))
  socket.addEventListener('error', () => {
    hasFailed = true
  })
  await until(() => hasFailed || socket.readyState === WebSocket.OPEN, 'the WebSocket opens')
  for (const text of texts) socket.send(text)
  await until(() => hasFailed || got.length >= texts.length, 'every text comes back')
  socket.close()
  await until(() => socket.readyState === WebSocket.CLOSED, 'the WebSocket closes')
  return hasFailed ? [...got, 'the connection failed'] : got
}
