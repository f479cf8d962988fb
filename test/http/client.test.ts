import { NativeClient } from '../../host/http/native/client.ts'
import { CLIENT_TUNING } from '../../host/http/native/client-pool.ts'
import { UndiciClient } from '../../host/http/node/client.ts'
import { testClient } from './client-contract.ts'

// undici takes a 100 that nobody asked for as a broken answer.
testClient('http/client/undici', (options) => new UndiciClient(options), { takesContinue: false })

testClient('http/client/native', (options) => new NativeClient(options, CLIENT_TUNING), {
  takesContinue: true,
})
