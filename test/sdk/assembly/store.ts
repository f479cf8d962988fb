import { Filter, Request, Result, reply, store, tag } from '@penstock/sdk'

/** Does with the store what the path says. */
export class Store extends Filter {
  onRequest(request: Request): Result {
    const path = request.path.toString()
    const headers = request.headers
    if (path == '/values') {
      headers.set('x-none', `${store.get('none') === null}`)
      store.put('text', 'grüße')
      store.put('number', 42)
      store.put('agent', headers.get('user-agent'))
      const text = store.get('text')
      if (text !== null) headers.set('x-text', `${text.length}`)
      headers.set('x-number', `${store.getInteger('number')} ${store.getFloat('number')}`)
      headers.set('x-fallback', `${store.getInteger('text', -1)} ${store.getFloat('text', 0.5)}`)
      headers.set('x-agent', store.getText('agent'))
      headers.set('x-removed', `${store.remove('text')} ${store.remove('text')}`)
      headers.set('x-count', `${store.count()} ${store.count('num')}`)
    } else if (path == '/swap') {
      headers.set('x-first', `${store.swap('leader', null, 'me')}`)
      headers.set('x-second', `${store.swap('leader', null, 'you')}`)
      headers.set('x-third', `${store.swap('leader', 'me', 'you', 60_000)}`)
    } else if (path == '/limit') {
      if (store.add('calls', 1, 60_000) > 3) return reply(429, 'slow down')
    } else if (path == '/float') {
      headers.set('x-sum', `${store.addFloat('sum', 0.25)}`)
    } else if (path == '/large') {
      store.put('large', 'x'.repeat(20_000))
      const large = store.get('large')
      headers.set('x-large', large === null ? 'none' : `${large.length}`)
    } else if (path == '/key') {
      store.put('', 'x')
    } else if (path == '/value') {
      store.put('x', 'x'.repeat(70_000))
    } else if (path == '/tag') {
      tag('grüße')
      tag(`second`)
    }
    return reply(204, '')
  }
}
