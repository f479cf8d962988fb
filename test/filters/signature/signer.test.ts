import { z } from '../../../host/config/schema.ts'
import { makeRequest } from '../../../host/exchange/request.ts'
import { Signer } from '../../../host/filters/signature/signer.ts'
import { AWS_LITERAL, signerFields } from '../../../host/filters/signature/signer-spec.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('filters/signature/signer')

const SPEC = z.strictObject(signerFields())
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const AT = Date.UTC(2015, 7, 30, 12, 36, 0)

const signer = new Signer(
  SPEC.parse({
    literal: AWS_LITERAL,
    accessKeyId: 'AKIDEXAMPLE',
    accessKeySecret: SECRET,
    accessKeys: { AKIDEXAMPLE: SECRET },
  }),
)

/** The signature of a request to the host of AWS's test suite. */
function signatureOf(init: Parameters<typeof makeRequest>[0], body = ''): string {
  const request = makeRequest({ host: 'example.amazonaws.com', ...init })
  signer.sign(request, Buffer.from(body), ['us-east-1', 'service'], AT)
  return /Signature=(.*)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
}

test('signs as the test suite of AWS Signature Version 4 has it', () => {
  const vanilla = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'
  assert.is(signatureOf({}), vanilla)
  assert.is(
    signatureOf({ target: '/?Param2=value2&Param1=value1' }),
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  )
  assert.is(
    signatureOf({ method: 'POST' }),
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  )
})

test('takes a signature in the URL while it is valid', () => {
  const query = [
    'X-Amz-Algorithm=AWS4-HMAC-SHA256',
    'X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request',
    'X-Amz-Date=20150830T123600Z',
    'X-Amz-Expires=60',
    'X-Amz-SignedHeaders=host',
  ]
  const request = (signature: string) =>
    makeRequest({
      host: 'example.amazonaws.com',
      target: `/?${[...query, `X-Amz-Signature=${signature}`].join('&')}`,
    })
  const empty = Buffer.alloc(0)
  assert.is(signer.verify(request('00'), empty, AT), 'the signature does not fit the request')
  assert.is(signer.verify(request('00'), empty, AT + 61_000), 'the signature has expired')
})

test('a signature that leaves the host or the time out is none', () => {
  const request = makeRequest({ host: 'example.amazonaws.com' })
  signer.sign(request, Buffer.alloc(0), ['us-east-1', 'service'], AT)
  const good = request.headers.get('authorization') ?? ''
  assert.is(signer.verify(request, Buffer.alloc(0), AT), null)
  for (const [names, reason] of [
    ['x-amz-date', 'the header host is not signed'],
    ['host', 'the header x-amz-date is not signed'],
  ] as const) {
    request.headers.set('Authorization', good.replace('host;x-amz-date', names))
    assert.is(signer.verify(request, Buffer.alloc(0), AT), reason)
  }
})
