// fast-gateway in front of one upstream, with its own keep-alive agent:
//
//   node bench/peers/fast-gateway.ts PORT UPSTREAM-PORT
import fastGateway from 'fast-gateway'

const [port, upstreamPort] = process.argv.slice(2).map(Number)

// An empty prefix takes every path and passes it on as it is.
const gateway = fastGateway({
  routes: [{ prefix: '', target: `http://127.0.0.1:${upstreamPort}` }],
})
await gateway.start(port ?? 0, '127.0.0.1')
