import type { LanguageRule } from './language-rule.ts'

/** A name that Node or a browser has and a filter has not. */
export interface GlobalRule extends LanguageRule {
  /** As it is used: `fetch`, or `Math.random` for a member. */
  readonly names: readonly string[]
}

/** Names only count where the file neither declares nor imports them. */
export const GLOBAL_RULES: readonly GlobalRule[] = [
  {
    name: 'JSON',
    names: ['JSON'],
    message:
      'there is no JSON object: import { json } from @penstock/sdk, json.parse(body.content())',
    wrong: 'export const a = JSON.parse("1")',
    right: "import { json } from '@penstock/sdk'\nexport const a = json.parse('1')",
  },
  {
    name: 'console',
    names: ['console'],
    message: 'there is no console: import { log } from @penstock/sdk, log.info("…")',
    wrong: 'export function f(): void { console.log("x") }',
    right: "import { log } from '@penstock/sdk'\nexport function f(): void { log.info('x') }",
  },
  {
    name: 'RegExp',
    names: ['RegExp'],
    message:
      'there are no regular expressions: use a Pattern, or startsWith, includes, indexOf and split of Text',
    wrong: 'export const a = new RegExp("a+")',
    right: "import { Pattern } from '@penstock/sdk'\nexport const a = new Pattern('/a/*')",
  },
  {
    name: 'Date',
    names: ['Date'],
    message:
      'there is no Date: now() gives milliseconds, dates.http(now()) and dates.iso(now()) text',
    wrong: 'export function f(): i64 { return Date.now() }',
    right: "import { now } from '@penstock/sdk'\nexport function f(): i64 { return now() }",
  },
  {
    name: 'Math.random',
    names: ['Math.random', 'Mathf.random'],
    message: 'there is no Math.random: hash what tells requests apart, hash.sha256(request.id)',
    wrong: 'export function f(): f64 { return Math.random() }',
    right:
      "import { hash, Request } from '@penstock/sdk'\nexport function f(request: Request): i32 { return hash.sha256(request.id).byteAt(0) }",
  },
  {
    name: 'timers',
    names: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'requestAnimationFrame'],
    message: 'there are no timers: a phase runs from start to end, and nothing runs between phases',
    wrong: 'export function f(): void { setTimeout(f, 1) }',
    right: 'export function f(): void {}',
  },
  {
    name: 'promises',
    names: ['Promise'],
    message: 'there are no promises: a phase runs from start to end',
    wrong: 'export function f(): void { Promise.resolve() }',
    right: 'export function f(): void {}',
  },
  {
    name: 'fetch',
    names: ['fetch', 'XMLHttpRequest', 'WebSocket'],
    message: 'there is no fetch: a filter does not open connections of its own',
    wrong: 'export function f(): void { fetch("http://x") }',
    right: 'export function f(): void {}',
  },
  {
    name: 'Base64 of the browser',
    names: ['atob', 'btoa'],
    message: 'there is no atob and no btoa: import { base64 } from @penstock/sdk',
    wrong: 'export const a = btoa("x")',
    right: "import { base64 } from '@penstock/sdk'\nexport const a = base64.encode('x')",
  },
  {
    name: 'Buffer and encoders',
    names: ['Buffer', 'TextEncoder', 'TextDecoder'],
    message:
      'there is no Buffer, TextEncoder or TextDecoder: Text.utf8("…"), text.toUtf8(), body.text()',
    wrong: 'export const a = new TextEncoder()',
    right: "import { Text } from '@penstock/sdk'\nexport const a = Text.utf8('ä')",
  },
  {
    name: 'URL',
    names: ['URL', 'URLSearchParams'],
    message:
      'there is no URL object: Url.parse(text) and new Query(request.query) of @penstock/sdk, request.queryValue("name")',
    wrong: 'export const a = new URL("http://x")',
    right:
      "import { Text, Url } from '@penstock/sdk'\nexport const a: Url | null = Url.parse(Text.of('https://x'))",
  },
  {
    name: 'crypto',
    names: ['crypto'],
    message: 'there is no crypto: hash.sha256 and hash.hmacSha256 of @penstock/sdk',
    wrong: 'export function f(): string { return crypto.randomUUID() }',
    right: "import { hash, Text } from '@penstock/sdk'\nexport const a: Text = hash.sha256('x')",
  },
  {
    name: 'modules of Node',
    names: ['process', 'require', 'module', '__dirname', '__filename', 'Bun', 'Deno'],
    message:
      'there is no Node in a filter: what it needs comes as a parameter, parameters.text("name", "")',
    wrong: 'export const a = process.env.HOME',
    right:
      "import { parameters } from '@penstock/sdk'\nexport const a = parameters.text('name', '')",
  },
  {
    name: 'Object and reflection',
    names: ['Object.keys', 'Object.values', 'Object.entries', 'Object.assign', 'Reflect', 'Proxy'],
    message: 'objects cannot be looked into at run time: use a Map, map.keys() and map.get(key)',
    wrong: 'class A {}\nexport function f(a: A): i32 { return Object.keys(a).length }',
    right: 'export function f(a: Map<string, i32>): i32 { return a.keys().length }',
  },
  {
    name: 'undefined',
    names: ['undefined'],
    message: 'there is no undefined: use null',
    wrong: 'export function f(a: string | null): bool { return a === undefined }',
    right: 'export function f(a: string | null): bool { return a === null }',
  },
  {
    name: 'arguments and eval',
    names: ['arguments', 'eval', 'structuredClone', 'globalThis', 'window'],
    message: 'this does not exist in a filter: pass what a function needs as its parameters',
    wrong: 'export function f(): i32 { return arguments.length }',
    right: 'export function f(list: i32[]): i32 { return list.length }',
  },
  {
    name: 'delete',
    names: ['delete'],
    message: 'there is no delete: map.delete(key) for a Map, null for a field',
    wrong: 'class A { b: i32 = 0 }\nexport function f(a: A): void { delete a.b }',
    right: 'export function f(a: Map<string, i32>): void { a.delete("b") }',
  },
]
