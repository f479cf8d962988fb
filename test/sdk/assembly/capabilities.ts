import {
  base64,
  Counter,
  Filter,
  functions,
  Gauge,
  Histogram,
  http,
  log,
  Request,
  Response,
  Result,
  random,
  reply,
  secrets,
} from '@penstock/sdk'
import { plan } from './host.ts'

/** Does with the outside world what the path says. */
export class Capabilities extends Filter {
  private hits: Counter = new Counter('hits')
  private level: Gauge = new Gauge('level')
  private sizes: Histogram = new Histogram('sizes', [10, 100])

  onRequest(request: Request): Result {
    const path = request.path.toString()
    const headers = request.headers
    if (path == '/random') {
      headers.set('x-token', base64.encodeUrl(random.bytes(12)))
      headers.set('x-number', `${random.number()}`)
      headers.set('x-below', `${random.below(6)}`)
    } else if (path == '/secret') {
      const key = secrets.get('key')
      headers.set('x-key', key === null ? 'none' : key)
      log.info(`the key is ${key === null ? 'none' : key}`)
    } else if (path == '/other-secret') {
      secrets.get('other')
    } else if (path == '/count') {
      for (let i = 0; i < 5; i++) this.hits.add()
      this.level.set(7)
      this.level.add(-2)
      this.sizes.observe(5)
      this.sizes.observe(500)
    } else if (path == '/count-and-fail') {
      this.hits.add(100)
      throw new Error('on purpose')
    } else if (path == '/get') {
      const answer = http.get(`https://api.example.com/users/${request.query}`)
      headers.set('x-answer', `${answer.status} ${answer.isOk} '${answer.text()}'`)
      const type = answer.header('content-type')
      if (type !== null) headers.set('x-type', type)
      if (answer.failure != '') headers.set('x-failure', answer.failure)
      if (answer.isTimedOut) headers.set('x-late', '1')
    } else if (path == '/put') {
      const answer = http
        .call('PUT', 'https://api.example.com/things')
        .header('x-mine', 'a')
        .timeout(900)
        .send('größe')
      headers.set('x-answer', `${answer.status}`)
    } else if (path == '/elsewhere') {
      http.post('https://elsewhere.example.com/', 'x')
    } else if (path == '/two') {
      const one = http.get('https://api.example.com/one')
      headers.set('x-between', 'kept')
      const two = http.get(`https://api.example.com/two?${one.text()}`)
      headers.set('x-answer', two.text())
    } else if (path == '/function') {
      headers.set('x-plan', functions.answer(plan(functions.pass('acme'), functions.length)))
    }
    return reply(204, '')
  }

  onDone(response: Response): void {
    this.level.set(<f64>response.status)
  }
}
