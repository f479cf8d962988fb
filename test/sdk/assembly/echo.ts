import {
  Body,
  ctx,
  Filter,
  log,
  next,
  now,
  parameters,
  Request,
  Response,
  Result,
  refuse,
  reply,
  result,
  Text,
} from '@penstock/sdk'

/** Does to a request what its header `x-do` says, so that one module serves every test of the SDK. */
export class Echo extends Filter {
  /** A text. */
  private text: string = parameters.text('text', 'fallback')
  private must: string = parameters.required('must')
  private count: i32 = parameters.integer('count', -7)
  private share: f64 = parameters.number('share', 0.5)
  private isOn: bool = parameters.flag('on', true)

  constructor() {
    super()
    if (this.count == 13) refuse('count: 13 brings bad luck')
  }

  onRequest(request: Request, body: Body): Result {
    const action = request.headers.get('x-do')
    if (action === null) return next
    if (action.equals('fields')) this.fields(request)
    else if (action.equals('parameters')) this.showParameters(request)
    else if (action.equals('headers')) this.changeHeaders(request)
    else if (action.equals('body')) this.changeBody(request, body)
    else if (action.equals('rewrite')) this.rewrite(request)
    else if (action.equals('context')) this.keep(request)
    else if (action.equals('log')) this.writeLog()
    else if (action.equals('query')) this.readQuery(request)
    else if (action.startsWith('result'))
      return action.endsWith('1') ? result('first') : result('second')
    else if (action.equals('reply')) {
      const answer = reply(418, 'tea für zwei').header('x-one', 1)
      answer.headers.add('x-two', 'a')
      answer.headers.add('x-two', Text.of('b'))
      return answer
    } else if (action.equals('reply-bytes')) return reply(200, body.bytes())
    else if (action.equals('denied')) request.headers.set('content-length', 5)
    else if (action.equals('invalid')) request.headers.set('x-y', 'a\r\nb: c')
    else if (action.equals('bad-name')) request.headers.set('x y', 'a')
    else if (action.equals('wide')) request.headers.set('x-y', 'ā')
    else if (action.equals('null')) request.headers.set('x-y', request.headers.get('nothing'))
    else if (action.equals('trap')) unreachable()
    return next
  }

  onResponse(response: Response, body: Body): Result {
    const action = response.request.headers.get('x-do')
    if (action === null) return next
    if (action.equals('response')) {
      response.headers.set('x-status', response.status)
      response.headers.set('x-path', response.request.path)
      response.status = 299
      response.setBody(body.content().replaceAll('a', 'ä'))
    }
    if (action.equals('context')) {
      const kept = ctx.get('string')
      const text = ctx.getText('text')
      const none = ctx.get('none')
      if (kept !== null) response.setBody(kept)
      if (text !== null) response.headers.set('x-text', text)
      response.headers.set('x-none', none === null ? 'null' : 'there')
    }
    if (action.equals('outcome-early')) response.headers.set('x-end', response.outcome.status)
    if (action.equals('late')) response.request.headers.set('x-late', '1')
    if (action.equals('response-result')) return result('first')
    return next
  }

  onDone(response: Response): void {
    const action = response.request.headers.get('x-do')
    if (action === null) return
    if (action.equals('done')) log.info(`${response.request.path} ${response.status}`)
    if (action.equals('outcome')) {
      const end = response.outcome
      log.info(`${end.status}, ${end.durationMs} ms, ${end.sentBytes} bytes, ${end.isComplete}`)
    }
  }

  private fields(request: Request): void {
    request.headers.set('x-method', request.method)
    request.headers.set('x-path', request.path)
    request.headers.set('x-query', request.query)
    request.headers.set('x-host', request.host)
    request.headers.set('x-scheme', request.scheme)
    request.headers.set('x-protocol', request.protocol)
    request.headers.set('x-client', request.clientAddress)
    request.headers.set('x-route', request.route)
    request.headers.set('x-id', request.id)
    request.headers.set('x-now', now())
  }

  private showParameters(request: Request): void {
    request.headers.set(
      'x-parameters',
      `${this.text}|${this.must}|${this.count}|${this.share}|${this.isOn}`,
    )
  }

  private changeHeaders(request: Request): void {
    const names = request.headers.names()
    request.headers.set('x-names', names.join(','))
    const many = request.headers.getAll('x-many')
    request.headers.set('x-count', `${many.length} ${request.headers.count('x-many')}`)
    for (let i = 0; i < many.length; i++) request.headers.add('x-copy', many[i])
    request.headers.set(
      'x-has',
      `${request.headers.has('x-many')} ${request.headers.has('x-nothing')}`,
    )
    request.headers.remove('x-many')
    // A name that is no literal: asked for by what it says, whatever memory it stands in.
    for (let i = 0; i < 3; i++) request.headers.set(`x-number-${i}`, i)
  }

  private changeBody(request: Request, body: Body): void {
    request.headers.set('x-length', body.length)
    request.headers.set('x-bytes', body.bytes().length)
    const text = body.text()
    request.headers.set('x-characters', text.length)
    request.setBody(`${text}!`)
  }

  private rewrite(request: Request): void {
    request.method = 'PUT'
    request.setPath(Text.of('/v2').concat(request.path))
    request.setQuery('a=1')
    request.headers.set('x-seen', `${request.method} ${request.path} ${request.query}`)
  }

  private keep(request: Request): void {
    ctx.put('string', 'größer ≥ 日本')
    const agent = request.headers.get('user-agent')
    if (agent !== null) ctx.put('text', agent)
    ctx.put('number', 42)
    const number = ctx.get('number')
    request.headers.set('x-number', number === null ? 'null' : number)
  }

  private writeLog(): void {
    log.debug('one')
    log.info('zwölf')
    log.warn('three')
    log.error('four')
  }

  private readQuery(request: Request): void {
    const names = ['a', 'b', 'c', 'ü', 'd e', 'none', '']
    let text = ''
    for (let i = 0; i < names.length; i++) {
      const value = request.queryValue(names[i])
      text += value === null ? '-|' : `${value}|`
    }
    request.setBody(text)
  }
}
