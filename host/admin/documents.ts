import { parseDocuments } from '../config/document.ts'
import { ConfigError, type ConfigIssue, hasErrors } from '../config/issues.ts'
import { formatPath, isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { MAX_BODY_DEPTH, MAX_DOCUMENT_BODY_BYTES } from './limits.ts'
import type { BodyRule, Call } from './route.ts'

/** What a body with documents may be. Anything else could be a form that a foreign page has sent. */
export const DOCUMENT_BODY: BodyRule = {
  mediaTypes: ['application/json', 'application/yaml', 'application/x-yaml', 'text/yaml'],
  maxBytes: MAX_DOCUMENT_BODY_BYTES,
}

/**
 * The documents of a body, in order: a YAML stream, one JSON object or a list of them. ADMIN_BODY_INVALID
 * when it cannot be read, a ConfigError with every place when it can be read but not used.
 */
export function parseBody(call: Call): JsonObject[] {
  const text = decode(call.body)
  const documents = call.mediaType === 'application/json' ? parseJson(text) : parseYaml(text)
  if (documents.length === 0) throw invalid('it holds no document')
  const issues: ConfigIssue[] = []
  for (const document of documents) findDangerousKeys(document, [], issues)
  if (issues.length > 0) throw new ConfigError(issues)
  return documents
}

/** The one document of a body. */
export function parseSingle(call: Call): JsonObject {
  const [document, ...more] = parseBody(call)
  if (document === undefined || more.length > 0) {
    throw invalid(`it holds ${more.length + 1} documents, and this path takes one`)
  }
  return document
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw invalid('it is not UTF-8 text')
  }
}

function parseJson(text: string): JsonObject[] {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw invalid(`it is not JSON (${reasonOf(error)})`)
  }
  const documents = Array.isArray(data) ? (data as unknown[]) : [data]
  if (!documents.every(isJsonObject)) {
    throw invalid('it is neither a JSON object nor a list of them')
  }
  return documents
}

function parseYaml(text: string): JsonObject[] {
  const { documents, issues } = parseDocuments({ file: 'body', baseDir: '', text })
  if (hasErrors(issues)) throw new ConfigError(issues)
  return documents.map((document) => document.data)
}

/** Keys that mean something to JavaScript objects: no configuration needs them, every merge fears them. */
const DANGEROUS_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

/** `path` is where `value` stands; it is changed and put back, because a body can hold millions of values. */
function findDangerousKeys(value: object, path: (string | number)[], issues: ConfigIssue[]): void {
  if (path.length >= MAX_BODY_DEPTH) throw invalid(`it is nested deeper than ${MAX_BODY_DEPTH}`)
  const isList = Array.isArray(value)
  for (const key of Object.keys(value)) {
    path.push(isList ? Number(key) : key)
    const inner: unknown = Reflect.get(value, key)
    if (!isList && DANGEROUS_KEYS.has(key)) issues.push(dangerous(key, path))
    else if (typeof inner === 'object' && inner !== null) findDangerousKeys(inner, path, issues)
    path.pop()
  }
}

function dangerous(key: string, path: JsonPath): ConfigIssue {
  return {
    severity: 'error',
    position: null,
    path: formatPath(path),
    message: `the key "${key}" is not allowed`,
    suggestion: null,
  }
}

function invalid(reason: string): GatewayError {
  return new GatewayError('ADMIN_BODY_INVALID', { reason })
}
