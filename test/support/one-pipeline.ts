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
