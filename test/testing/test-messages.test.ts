import { makeTestRequest, makeTestResponse } from '../../host/testing/test-messages.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('testing/test-messages')

test('a message has its headers as engine native hands them over: as lines, some of them apart', () => {
  const headers = { 'X-One': '1', Connection: 'close', 'x-two': ['2', ''] }
  const request = makeTestRequest({ headers, host: 'a.test' })
  assert.is(request.headers.lines, 'X-One: 1\r\nx-two: 2\r\nx-two: \r\n')
  assert.is(request.headers.apartLines, 'Host: a.test\r\nConnection: close\r\n')
  assert.equal(request.headers.getAll('x-two'), ['2', ''])
  const response = makeTestResponse({ headers })
  assert.is(response.headers.lines, request.headers.lines)
  assert.is(response.headers.apartLines, 'Connection: close\r\n')
})
