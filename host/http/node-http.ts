// An `import` of node:http evaluates every name it exports, and three of them (`WebSocket` and its events) load
// the undici that comes with Node: 800 KB of source that nothing here uses.
export const { createServer, IncomingMessage, request, ServerResponse, STATUS_CODES } =
  process.getBuiltinModule('node:http')
