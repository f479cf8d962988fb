/**
 * Does a list of granted hosts have the one of this URL? An entry without a port is for the port of the
 * scheme; `*.name` is for every name below `name`, and not for `name` itself.
 */
export function allowsUrl(hosts: readonly string[], url: URL): boolean {
  const port = url.port === '' ? '' : `:${url.port}`
  return hosts.some((entry) => {
    const [, pattern = '', granted = ''] = /^(.*?)(:\d+)?$/.exec(entry) ?? []
    if (portOf(granted, url.protocol) !== portOf(port, url.protocol)) return false
    if (!pattern.startsWith('*.')) return pattern === url.hostname
    return url.hostname.endsWith(pattern.slice(1)) && url.hostname.length >= pattern.length
  })
}

function portOf(text: string, protocol: string): string {
  if (text !== '') return text.slice(1)
  return protocol === 'https:' ? '443' : '80'
}
