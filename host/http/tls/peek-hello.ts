import type { Socket } from 'node:net'
import { type ClientHello, readClientHello } from './client-hello.ts'

/**
 * Looks at the first message of a handshake and leaves its bytes in the socket, for the TLS server that takes
 * it over then. `onHello` gets null when there is nothing to be read; it is not called when the client goes, or
 * has said nothing whole after `limitMs`: then the socket is destroyed.
 */
export function peekHello(
  socket: Socket,
  limitMs: number,
  onHello: (hello: ClientHello | null) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const timer = setTimeout(() => socket.destroy(), limitMs)
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('readable', onReadable)
    socket.off('end', onEnd)
    socket.off('close', stop)
  }
  const onEnd = (): void => void socket.destroy()
  const onReadable = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    }
    if (bytes.length === 0) return
    const hello = readClientHello(bytes)
    if (hello === 'more') return
    stop()
    socket.unshift(bytes)
    onHello(hello)
  }
  socket.on('readable', onReadable)
  socket.on('end', onEnd)
  socket.on('close', stop)
}
