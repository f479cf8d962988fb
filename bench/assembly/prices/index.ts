import {
  Body,
  base64,
  Counter,
  ctx,
  Filter,
  hash,
  Json,
  json,
  jwt,
  log,
  next,
  now,
  Pattern,
  parameters,
  Request,
  Response,
  Result,
  random,
  store,
  Text,
  tag,
} from '@penstock/sdk'

/** 1 KB of JSON. */
const DOCUMENT = Text.of(
  `{"id":17,"note":"${'x'.repeat(900)}","items":[1,2,3],"isPaid":true,"user":{"name":"Ada"}}`,
)
const TOKEN = Text.of(
  `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQwMDAwMDAwMDB9.${'a'.repeat(43)}`,
)

/** The same, signed with the key that bench/prices.ts gives. */
const SIGNED = Text.of(
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQwMDAwMDAwMDB9.v6MrPAWZiO7Yum404IGctnlA7bk3xtLHR0_AVTJC3XQ',
)

/** A filter writes a field once. */
const FIELDS: string[] = [
  'x-tenant',
  'x-region',
  'x-plan',
  'x-user-id',
  'x-team',
  'x-variant',
  'x-stage',
  'x-shard',
]

/** Does one thing of the SDK so many times, to find out what it costs: bench/prices.ts has their names. */
export class Prices extends Filter {
  private operation: i32 = parameters.integer('operation', 0)
  private times: i32 = parameters.integer('times', 0)
  private counter: Counter = new Counter('prices')
  private pattern: Pattern = new Pattern('/orders/*')
  private key: jwt.Key = jwt.key('prices')
  /** What would not be done if nobody looked. */
  private seen: i32 = 0

  onRequest(request: Request, body: Body): Result {
    for (let i = 0; i < this.times; i++) this.onRequestOnce(request, body, i)
    return next
  }

  onResponse(response: Response): void {
    for (let i = 0; i < this.times; i++) this.onResponseOnce(response)
  }

  private onRequestOnce(request: Request, body: Body, time: i32): void {
    switch (this.operation) {
      case 1:
        this.see(request.headers.get('accept'))
        break
      case 2:
        this.see(request.headers.get('x-absent'))
        break
      case 3:
        this.seen += i32(request.headers.has('accept'))
        break
      case 4:
        request.headers.set(FIELDS[time % FIELDS.length], 'acme')
        break
      case 5:
        request.headers.add(FIELDS[time % FIELDS.length], 'acme')
        break
      case 6:
        request.headers.remove(FIELDS[time % FIELDS.length])
        break
      case 7:
        this.seen += request.headers.names().length
        break
      case 8:
        this.see(request.path)
        break
      case 9:
        request.setPath('/v2/orders/17')
        break
      case 10:
        this.seen += request.method.length
        break
      case 11: {
        const value = request.queryValue('page')
        if (value !== null) this.seen += value.length
        break
      }
      case 12:
        this.see(request.cookie('session'))
        break
      case 13:
        this.see(body.content())
        break
      case 14:
        request.setBody(DOCUMENT)
        break
      case 15:
        ctx.put('user', 'ada')
        break
      case 16:
        this.see(ctx.getText('user'))
        break
      case 17:
        this.seeNumber(now())
        break
      case 18:
        log.info('a line in the log')
        break
      case 19:
        tag('a tag')
        break
      case 20:
        this.see(store.getText('key'))
        break
      case 21:
        store.put('key', 'a value')
        break
      case 22:
        this.seeNumber(store.add('count'))
        break
      case 23:
        this.seen += i32(store.swap('key', null, 'a value'))
        break
      case 24:
        this.seeJson(json.parse(DOCUMENT))
        break
      case 25: {
        const value = json.object().set('id', 17).set('name', 'Ada')
        this.see(value.toText())
        break
      }
      case 26:
        this.see(hash.sha256(DOCUMENT))
        break
      case 27:
        this.seen += base64.encode(DOCUMENT).length
        break
      case 28: {
        const token = jwt.read(TOKEN)
        if (token !== null) this.seeJson(token.claims)
        break
      }
      case 29:
        this.seen += i32(this.pattern.matches('/orders/17'))
        break
      case 30:
        this.see(random.bytes(16))
        break
      case 31:
        this.counter.add()
        break
      case 32: {
        const token = this.key.verify(SIGNED)
        if (token !== null) this.seeJson(token.claims)
        else this.fail()
        break
      }
      default:
        this.seen++
    }
  }

  private onResponseOnce(response: Response): void {
    switch (this.operation) {
      case 100:
        this.seen += response.status
        break
      case 101:
        response.status = 201
        break
      case 102:
        response.setBody(DOCUMENT)
        break
      default:
        this.seen++
    }
  }

  private fail(): void {
    throw new Error(this.key.problem)
  }

  private see(text: Text | null): void {
    if (text !== null) this.seen += text.length
  }

  private seeNumber(value: i64): void {
    this.seen += i32(value)
  }

  private seeJson(value: Json | null): void {
    if (value !== null) this.seen += value.length
  }
}
