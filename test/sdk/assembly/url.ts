import { Query, Text, Url } from '@penstock/sdk'

/* Addresses and queries as functions a test can call. */

/** `scheme|host|port|path|query|origin|text`, or "none". */
export function parts(text: Text): string {
  const url = Url.parse(text)
  if (url === null) return 'none'
  return `${url.scheme}|${url.host}|${url.port}|${url.path}|${url.queryText}|${url.origin}|${url.toString()}`
}
export function queryOf(text: Text, name: string): string | null {
  const url = Url.parse(text)
  return url === null ? null : url.query.get(name)
}
/** Every pair as `name=value`, each followed by a line feed. */
export function pairs(text: Text): string {
  const query = new Query(text)
  let found = ''
  for (let i = 0; i < query.length; i++) found += `${query.nameAt(i)}=${query.valueAt(i)}\n`
  return found
}
export function all(text: Text, name: string): string[] {
  return new Query(text).getAll(name)
}
export function changed(text: Text, action: string, name: string, value: string): string {
  const query = new Query(text)
  if (action == 'set') query.set(name, value)
  else if (action == 'add') query.add(name, value)
  else return `${query.remove(name)} ${query.has(name)} ${query}`
  return query.toString()
}
