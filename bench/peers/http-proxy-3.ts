// http-proxy-3 in front of one upstream, with a keep-alive agent:
//
//   node bench/peers/http-proxy-3.ts PORT UPSTREAM-PORT
import { Agent } from 'node:http'
import { createProxyServer } from 'http-proxy-3'

const [port, upstreamPort] = process.argv.slice(2).map(Number)

createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: 1024 }),
  xfwd: true,
}).listen(port ?? 0, '127.0.0.1')
