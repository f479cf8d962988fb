import { type Call, defineRoutes, type Reply } from '../route.ts'

/**
 * What an orchestrator asks. No token: these tell names of checks and whether they hold, and the reasons
 * only to a caller with the token.
 */
export const probeRoutes = defineRoutes('probes', [
  {
    method: 'GET',
    path: '/livez',
    summary: 'answer 200 while the process can answer at all',
    isOpen: true,
    handle: () => ({ status: 200, text: 'ok\n' }),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'answer 200 when traffic can be served, 503 otherwise; ?verbose lists the checks',
    isOpen: true,
    handle: answerReady,
  },
  {
    method: 'GET',
    path: '/healthz',
    summary: 'the same as /readyz, under the name older probes use',
    isOpen: true,
    handle: answerReady,
  },
])

function answerReady({ services, query, isAuthorized }: Call): Reply {
  const { control } = services
  const isReady = control.isReady
  const status = isReady ? 200 : 503
  const verdict = isReady ? 'ok\n' : 'not ready\n'
  if (!query.has('verbose')) return { status, text: verdict }
  const lines = control.readinessChecks().map(({ name, ok, reason }) => {
    const because = ok || reason === '' || !isAuthorized ? '' : `: ${reason}`
    return `[${ok ? '+' : '-'}] ${name} ${ok ? 'ok' : 'failed'}${because}\n`
  })
  return { status, text: lines.join('') + verdict }
}
