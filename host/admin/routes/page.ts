import { GatewayError } from '../../errors.ts'
import { PAGE_POLICY, type PageFile } from '../page.ts'
import { type Call, defineRoutes, type Reply } from '../route.ts'

/** The inspector's page. Open: its files say nothing about this gateway, what they show needs the key. */
export const pageRoutes = defineRoutes('page', [
  {
    method: 'GET',
    path: '/ui',
    summary: 'the inspector, in a browser',
    isOpen: true,
    handle: (call) => answerFile(call, 'index.html'),
  },
  {
    method: 'GET',
    path: '/ui/{file}',
    summary: 'a file of that page',
    isOpen: true,
    handle: (call) => answerFile(call, call.params['file'] ?? ''),
  },
])

function answerFile({ services }: Call, name: string): Promise<Reply> {
  if (services.page === null) throw new GatewayError('INSPECT_OFF', {})
  return services.page().then((files) => replyOf(files.get(name), name))
}

function replyOf(file: PageFile | undefined, name: string): Reply {
  if (file === undefined) throw new GatewayError('ADMIN_NOT_FOUND', { what: `file ${name}` })
  return {
    status: 200,
    bytes: file.bytes,
    headers: {
      'content-type': file.type,
      'content-security-policy': PAGE_POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    },
  }
}
