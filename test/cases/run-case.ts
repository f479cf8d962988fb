import { parseYamlText } from '../../host/config/document.ts'
import { z } from '../../host/config/schema.ts'
import { type Cleanup, startGateway, startUpstream, type TestUpstream } from '../support/gateway.ts'
import { accessLines } from '../support/pipeline.ts'
import { assert } from '../support/suite.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'
import { talk } from './socket-step.ts'

const answer = z.strictObject({
  /** The beginning of `METHOD /path?query`; the first answer that fits is given, "" fits all. */
  to: z.string().default(''),
  status: z.int().default(200),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
  delayMs: z.int().default(0),
  /** gzip the body, and say so. */
  gzip: z.boolean().default(false),
})

const expected = z.strictObject({
  status: z.int().default(200),
  /** The value; null when the header must not be there; `/pattern/`. */
  headers: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  /** The body; `/pattern/`. */
  body: z.string().optional(),
  /** The body as JSON: the fields named here must be so, others may be there. */
  json: z.json().optional(),
  /** What the tags of the access log must match. */
  tags: z.string().optional(),
  /** The body is that of the answer before. */
  isAsBefore: z.boolean().default(false),
  /** What came back over the WebSocket. */
  messages: z.array(z.string()).optional(),
  /** What each upstream was asked in this step: `METHOD /path?query`, in order. */
  upstreams: z.record(z.string(), z.array(z.string())).default({}),
})

const step = z.strictObject({
  /** Texts of the configuration that are replaced before the request; the gateway reloads. */
  edit: z.array(z.strictObject({ replace: z.string(), with: z.string() })).default([]),
  request: z
    .strictObject({
      method: z.string().default('GET'),
      path: z.string().default('/'),
      headers: z.record(z.string(), z.string()).default({}),
      body: z.string().default(''),
    })
    .prefault({}),
  /** In place of the request: a WebSocket to this path, over which these texts are sent. */
  websocket: z.strictObject({ path: z.string(), send: z.array(z.string()) }).optional(),
  /** Send the cookies that were set so far. */
  cookies: z.boolean().default(false),
  times: z.int().default(1),
  expect: expected,
})

const schema = z.strictObject({
  /**
   * Upstreams by the name that stands in `gateway.yaml` as `@name`. One without answers tells, as JSON,
   * what it was asked: method, url, headers and body.
   */
  upstreams: z.record(z.string(), z.array(answer)).default({}),
  /** WebSocket servers that send back what they get, by the name that stands in `gateway.yaml`. */
  sockets: z.array(z.string()).default([]),
  /** The gateway is told that the configuration moves here. */
  compat: z.enum(['easegress']).optional(),
  /** Files beside the configuration. */
  files: z.record(z.string(), z.string()).default({}),
  steps: z.array(step),
})

export type Case = z.output<typeof schema>
type Step = Case['steps'][number]

export function parseCase(text: string): Case {
  return schema.parse(parseYamlText(text))
}

/** Starts the upstreams and the gateway, goes through the steps, and compares. */
export async function runCase(cleanup: Cleanup, yaml: string, oneCase: Case): Promise<void> {
  const upstreams = new Map<string, TestUpstream>()
  const sockets = new Map<string, string>()
  const cookies = new Map<string, string>()
  let formerBody = ''
  let source = yaml
  const configured = (): string => {
    let text = source
    for (const [name, { url }] of upstreams) text = text.replaceAll(`@${name}`, url)
    for (const [name, url] of sockets) text = text.replaceAll(`@${name}`, url)
    return text
  }
  for (const name of oneCase.sockets) {
    const { port } = await startWebSocketServer(cleanup)
    sockets.set(name, `ws://127.0.0.1:${port}`)
  }
  for (const [name, answers] of Object.entries(oneCase.upstreams)) {
    const upstream = await startUpstream(
      cleanup,
      answers.length === 0 ? undefined : script(answers),
    )
    upstreams.set(name, upstream)
  }
  const { compat } = oneCase
  const options = { watch: false, ...(compat === undefined ? {} : { compat }) }
  const gateway = await startGateway(cleanup, configured(), oneCase.files, options)
  for (const [index, one] of oneCase.steps.entries()) {
    if (one.edit.length > 0) {
      for (const { replace, with: text } of one.edit) {
        assert.ok(source.includes(replace), `step ${index}: "${replace}" is not there`)
        source = source.replaceAll(replace, text)
      }
      await gateway.write('gateway.yaml', configured())
      assert.equal(await gateway.gateway.reload(), [], `step ${index}`)
    }
    const before = new Map([...upstreams].map(([name, { requests }]) => [name, requests.length]))
    for (let i = 0; i < one.times; i++) {
      if (one.websocket !== undefined) {
        const { path, send } = one.websocket
        const messages = await talk(cleanup, gateway.port, path, send)
        assert.equal(messages, one.expect.messages, `step ${index}`)
        continue
      }
      const { method, path, body } = one.request
      const jar = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const headers = {
        ...withAddresses(one.request.headers, upstreams),
        ...(one.cookies && jar !== '' ? { cookie: jar } : {}),
      }
      const init = { method, headers, ...(body === '' ? {} : { body }) }
      const got = await gateway.get(path, init)
      for (const line of got.headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
        cookies.set(name, value)
      }
      compare(`step ${index}`, one, got, String(accessLines(gateway).at(-1)?.['tags'] ?? ''))
      if (one.expect.isAsBefore) assert.is(got.body, formerBody, `step ${index}`)
      formerBody = got.body
    }
    for (const [name, wanted] of Object.entries(one.expect.upstreams)) {
      const seen = upstreams.get(name)?.requests.slice(before.get(name) ?? 0) ?? []
      const asked = seen.map(({ method, url }) => `${method} ${url}`)
      assert.equal(asked, wanted, `step ${index}: what ${name} was asked`)
    }
  }
}

/** `@name` in a header of a request is the `host:port` of that upstream. */
function withAddresses(
  headers: Readonly<Record<string, string>>,
  upstreams: ReadonlyMap<string, TestUpstream>,
): Record<string, string> {
  const replaced = Object.entries(headers).map(([field, value]) => {
    let text = value
    for (const [name, { url }] of upstreams) text = text.replace(`@${name}`, new URL(url).host)
    return [field, text]
  })
  return Object.fromEntries(replaced)
}

function script(answers: Case['upstreams'][string]): Parameters<typeof startUpstream>[1] {
  return (incoming, outgoing) => {
    const asked = `${incoming.method} ${incoming.url}`
    const found = answers.find(({ to }) => asked.startsWith(to))
    incoming.resume()
    incoming.on('end', async () => {
      if (found === undefined) {
        outgoing.statusCode = 404
        outgoing.end(`nothing for ${asked}`)
        return
      }
      for (const [name, value] of Object.entries(found.headers)) outgoing.setHeader(name, value)
      outgoing.statusCode = found.status
      let body = Buffer.from(found.body, 'utf8')
      if (found.gzip) {
        const { gzipSync } = await import('node:zlib')
        outgoing.setHeader('content-encoding', 'gzip')
        body = gzipSync(body)
      }
      if (found.delayMs === 0) outgoing.end(body)
      else setTimeout(() => outgoing.end(body), found.delayMs)
    })
  }
}

function compare(
  where: string,
  { expect }: Step,
  got: { status: number; headers: Record<string, unknown>; body: string },
  tags: string,
): void {
  assert.is(got.status, expect.status, `${where}: ${got.body} ${tags}`)
  for (const [name, wanted] of Object.entries(expect.headers)) {
    const seen = got.headers[name.toLowerCase()]
    if (wanted === null) assert.is(seen, undefined, `${where}: ${name}`)
    else compareText(`${where}: ${name}`, wanted, String(seen))
  }
  if (expect.body !== undefined) compareText(`${where}: body`, expect.body, got.body)
  if (expect.json !== undefined) compareJson(where, expect.json, JSON.parse(got.body))
  if (expect.tags !== undefined) {
    assert.ok(new RegExp(expect.tags).test(tags), `${where}: tags are ${tags}`)
  }
}

function compareText(where: string, wanted: string, seen: string): void {
  const pattern = /^\/(.*)\/$/s.exec(wanted)?.[1]
  if (pattern === undefined) assert.is(seen, wanted, where)
  else assert.ok(new RegExp(pattern).test(seen), `${where}: ${seen}`)
}

/** Everything in `wanted` must be in `seen`; objects may have more. */
function compareJson(where: string, wanted: unknown, seen: unknown): void {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) {
    assert.equal(seen, wanted, where)
    return
  }
  for (const [key, value] of Object.entries(wanted)) {
    const inside = typeof seen === 'object' && seen !== null ? Reflect.get(seen, key) : undefined
    compareJson(`${where}.${key}`, value, inside)
  }
}
