import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Cleanup } from './gateway.ts'
import { pair } from './pki.ts'

/** What an ACME server answers to one message; fields left out are those of a good one. */
export interface AcmeReply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/**
 * An authority that believes every signature and signs nothing: the certificate it sends is one of the tests'. What
 * a real one does is tried with pebble; this one does what a real one does not do on demand.
 */
export interface AcmeServer {
  readonly directoryURL: string
  /** Method and path of every message. */
  readonly messages: string[]
  /** The kinds of checks it offers. */
  offered: readonly string[]
  /** Answers in place of the good one, by path; a function is asked each time. */
  readonly replies: Map<string, AcmeReply>
  /** Is the answer to the check laid out? False refuses the order. */
  onCheck: (token: string) => Promise<boolean>
}

const TOKEN = 'a-token-of-the-test'

/** Serves with the certificate for localhost that the tests' authority has signed. */
export async function startAcmeServer(cleanup: Cleanup): Promise<AcmeServer> {
  const server = createServer(pair('localhost'), (incoming, outgoing) => {
    incoming.resume()
    incoming.once('end', () => void answer(incoming, outgoing))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `https://localhost:${(server.address() as AddressInfo).port}`
  const acme: AcmeServer = {
    directoryURL: `${base}/directory`,
    messages: [],
    offered: ['http-01', 'dns-01', 'tls-alpn-01'],
    replies: new Map(),
    onCheck: async () => true,
  }
  let status = 'pending'
  const order = (): object => ({
    status,
    identifiers: [{ type: 'dns', value: 'localhost' }],
    authorizations: [`${base}/authorization`],
    finalize: `${base}/finalize`,
    certificate: `${base}/certificate`,
  })
  const challenges = (): object[] =>
    acme.offered.map((type) => ({
      type,
      url: `${base}/check`,
      token: TOKEN,
      status: 'pending',
      ...(status === 'invalid' ? { error: { type: 'x', detail: `nothing at ${type}` } } : {}),
    }))
  const replyTo = async (path: string): Promise<AcmeReply> => {
    switch (path) {
      case '/directory':
        return {
          body: {
            newNonce: `${base}/nonce`,
            newAccount: `${base}/account`,
            newOrder: `${base}/new-order`,
          },
        }
      case '/account':
        return { status: 201, headers: { location: `${base}/account` }, body: { status: 'valid' } }
      case '/new-order':
        status = 'pending'
        return { status: 201, headers: { location: `${base}/order` }, body: order() }
      case '/authorization':
        return {
          body: {
            identifier: { type: 'dns', value: 'localhost' },
            status,
            challenges: challenges(),
          },
        }
      case '/check':
        status = (await acme.onCheck(TOKEN)) ? 'ready' : 'invalid'
        return { body: { type: 'http-01', status: 'processing' } }
      case '/finalize':
        status = 'valid'
        return { body: order() }
      case '/order':
        return { body: order() }
      case '/certificate':
        return { body: pair('localhost').cert }
      default:
        return { body: {} }
    }
  }
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const path = incoming.url ?? ''
    acme.messages.push(`${incoming.method} ${path}`)
    const reply = acme.replies.get(path) ?? (await replyTo(path))
    const { body = {} } = reply
    outgoing.writeHead(reply.status ?? 200, {
      'content-type': 'application/json',
      'replay-nonce': 'nonce',
      ...reply.headers,
    })
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  return acme
}
