// @fastify/http-proxy in front of one upstream, with its own client:
//
//   node bench/peers/fastify-http-proxy.ts PORT UPSTREAM-PORT
import httpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [port, upstreamPort] = process.argv.slice(2).map(Number)

const server = fastify({ logger: false })
await server.register(httpProxy, { upstream: `http://127.0.0.1:${upstreamPort}` })
await server.listen({ port: port ?? 0, host: '127.0.0.1' })
