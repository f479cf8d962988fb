import fc from 'fast-check'
import { makeRequest, type Request } from '../../host/exchange/request.ts'
import { TrialSplit } from '../../host/filters/trial-split.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/trial-split')

const DIGEST = `sha256:${'ab'.repeat(32)}`

function split(percent: number, sticky = 'client', digest = DIGEST): TrialSplit {
  return new TrialSplit({ digest, percent, sticky })
}

function from(address: string, headers: string[] = []): Request {
  const request = makeRequest({ target: '/', headers })
  request.remoteAddress = address
  return request
}

const CLIENTS = Array.from(
  { length: 20_000 },
  (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
)

test('the share of the clients is what was asked for', () => {
  for (const percent of [1, 5, 25, 50, 90]) {
    const one = split(percent)
    const count = CLIENTS.filter((address) => one.isOnTrial(from(address))).length
    const share = (100 * count) / CLIENTS.length
    assert.ok(Math.abs(share - percent) < 1.2, `${share}% instead of ${percent}%`)
  }
  assert.ok(CLIENTS.every((address) => split(100).isOnTrial(from(address))))
})

test('property: a share that grows keeps every client it had', () => {
  const percent = fc.double({ min: 0.01, max: 100, noNaN: true })
  fc.assert(
    fc.property(fc.string(), percent, percent, (client, a, b) => {
      const [less, more] = a < b ? [a, b] : [b, a]
      return !split(less).isOnTrial(from(client)) || split(more).isOnTrial(from(client))
    }),
  )
})

test('another module on trial meets other clients', () => {
  const other = split(10, 'client', `sha256:${'cd'.repeat(32)}`)
  const both = CLIENTS.filter(
    (address) => split(10).isOnTrial(from(address)) && other.isOnTrial(from(address)),
  )
  // Independent of each other: a hundredth of all clients, not a tenth.
  assert.ok(both.length < CLIENTS.length / 50, String(both.length))
})

test('a header or a cookie decides, wherever the request comes from', () => {
  const ways: [sticky: string, field: (user: string) => string[]][] = [
    ['header:X-User', (user) => ['x-user', user]],
    ['cookie:user', (user) => ['cookie', `a=b; user=${user}`]],
  ]
  for (const [sticky, field] of ways) {
    const half = split(50, sticky)
    const seen = new Set<boolean>()
    for (let user = 0; user < 100; user++) {
      const [here, there] = ['10.0.0.1', '10.9.9.9'].map((address) =>
        half.isOnTrial(from(address, field(`u${user}`))),
      )
      assert.is(here, there)
      seen.add(here === true)
    }
    assert.is(seen.size, 2, 'both versions have users')
  }
})

test('without the header or the cookie the address decides', () => {
  for (const sticky of ['header:x-user', 'cookie:user']) {
    for (const address of CLIENTS.slice(0, 200)) {
      assert.is(split(50, sticky).isOnTrial(from(address)), split(50).isOnTrial(from(address)))
    }
  }
})
