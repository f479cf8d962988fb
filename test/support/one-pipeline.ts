/**
 * The YAML of a server "server" on a free port and its pipeline `main` of these filters, a list indented by two.
 * `fields` are further ones of the pipeline, `server` of the server, both as YAML.
 */
export function onePipeline(filters: string, fields = '', server = ''): string {
  return `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
${server}
rules:
  - paths:
      - backend: main
---
kind: Pipeline
name: main
${fields}
filters:
${filters}
`
}

/** An item of that list: the Proxy "proxy" before these servers. */
export function proxyTo(...urls: string[]): string {
  return `  - { name: proxy, kind: Proxy, pools: [{ servers: ${JSON.stringify(urls.map((url) => ({ url })))} }] }\n`
}

/**
 * An item of that list: the WasmHost "plugin" with these fields. A call of it may take 5 s, unless they say
 * otherwise: on a machine that stands still for a moment the default of 0.1 s would pass in the middle of one.
 */
export function wasmHost(fields: string): string {
  const timeout = /\btimeout:/.test(fields) ? '' : ', timeout: 5s'
  return `  - { name: plugin, kind: WasmHost, ${fields}${timeout} }\n`
}
