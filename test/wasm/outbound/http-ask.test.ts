import { Errno } from '../../../host/wasm/limits.ts'
import {
  isPublicAddress,
  isThisMachine,
  plainAddress,
} from '../../../host/wasm/outbound/address.ts'
import { allowsUrl } from '../../../host/wasm/outbound/host-list.ts'
import { parseAsk } from '../../../host/wasm/outbound/http-ask.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/outbound/http-ask')

const codeOf = (head: string): number => {
  const parsed = parseAsk(head)
  return 'code' in parsed ? parsed.code : 0
}

test('a head is read as it is written', () => {
  const parsed = parseAsk('POST https://a.org/x?y=1#z\nx-a: 1\n\nx-b:  two words \n')
  assert.ok('url' in parsed)
  assert.is(`${parsed.method} ${parsed.url}`, 'POST https://a.org/x?y=1')
  assert.equal(parsed.headers, ['x-a', '1', 'x-b', 'two words'])
})

test('what is no request is refused', () => {
  for (const head of [
    '',
    'GET',
    'GET /relative',
    'GET ftp://a.org/',
    'GET file:///etc/passwd',
    'G T http://a.org/',
    'CONNECT http://a.org/',
    'TRACE http://a.org/',
    'GET http://user:password@a.org/',
    'GET http://a.org/\nbad name: x',
    'GET http://a.org/\nno-colon',
    'GET http://a.org/\nx: a\rb',
    'GET http://a.org/\nx: a\0b',
  ]) {
    assert.is(codeOf(head), Errno.invalid, JSON.stringify(head))
  }
  for (const name of [
    'Host',
    'Content-Length',
    'transfer-encoding',
    'Connection',
    'Upgrade',
    'Expect',
  ]) {
    assert.is(codeOf(`GET http://a.org/\n${name}: x`), Errno.denied, name)
  }
  const many = Array.from({ length: 65 }, (_, i) => `x-${i}: 1`).join('\n')
  assert.is(codeOf(`GET http://a.org/\n${many}`), Errno.tooLarge)
})

test('a host is granted with its port, and what stands below a name is not the name', () => {
  const allowed = (hosts: string[], url: string): boolean => allowsUrl(hosts, new URL(url))
  assert.ok(allowed(['a.org'], 'https://a.org/x'))
  assert.ok(allowed(['a.org'], 'http://A.org:80/'))
  assert.ok(allowed(['a.org:8443'], 'https://a.org:8443/'))
  assert.ok(allowed(['a.org:443'], 'https://a.org/'))
  assert.ok(allowed(['*.a.org'], 'https://x.y.a.org/'))
  assert.ok(allowed(['[::1]:80'], 'http://[::1]/'))
  assert.not.ok(allowed(['a.org'], 'https://a.org:8443/'))
  assert.not.ok(allowed(['a.org:443'], 'http://a.org/'))
  assert.not.ok(allowed(['a.org'], 'https://x.a.org/'))
  assert.not.ok(allowed(['*.a.org'], 'https://a.org/'))
  assert.not.ok(allowed(['*.a.org'], 'https://xa.org/'))
  assert.not.ok(allowed(['a.org'], 'https://a.org.evil.test/'))
  assert.not.ok(allowed(['10.0.0.1'], 'http://0x0a000002/'))
  assert.ok(allowed(['10.0.0.1'], 'http://0x0a000001/'), 'one address, however it is written')
  assert.not.ok(allowed([], 'http://a.org/'))
})

test('private and special addresses are none of the public Internet, in any spelling', () => {
  for (const address of [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1%eth0',
    'ff02::1',
    '[::1]',
    'localhost',
    '',
  ]) {
    assert.not.ok(isPublicAddress(address), address)
  }
  for (const address of ['1.1.1.1', '172.32.0.1', '::ffff:8.8.8.8', '2606:4700::1111']) {
    assert.ok(isPublicAddress(address), address)
  }
  assert.is(plainAddress('::ffff:7f00:1'), '127.0.0.1')
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '::']) {
    assert.ok(isThisMachine(address), address)
  }
  assert.not.ok(isThisMachine('1.1.1.1'))
})
