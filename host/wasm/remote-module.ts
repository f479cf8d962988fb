import { GatewayError, reasonOf } from '../errors.ts'
import { download } from '../http/download.ts'
import { isRemoteAllowed, MODULE_MAX_BYTES } from './module-source.ts'

/** Time a download may take as a whole. */
export const DOWNLOAD_TIMEOUT_MS = 30_000

/** Redirects that are followed; each must lead to an address that is allowed itself. */
export const DOWNLOAD_REDIRECTS = 3

/** The bytes at a URL. GUEST_CODE_READ says why there are none. The caller checks that they are the right ones. */
export async function downloadModule(url: string): Promise<Buffer> {
  let at = url
  const deadline = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)
  for (let redirects = 0; redirects <= DOWNLOAD_REDIRECTS; redirects++) {
    if (!isRemoteAllowed(at)) throw failed(url, `it leads to ${at}, which is not https`)
    const answer = await download(at, MODULE_MAX_BYTES, deadline).catch((error: unknown) => {
      const isLate = deadline.aborted
      throw failed(
        url,
        isLate ? `no answer within ${DOWNLOAD_TIMEOUT_MS} ms` : reasonOf(error),
        error,
      )
    })
    if (answer.status === 200) return answer.bytes
    const next = answer.location === null ? null : URL.parse(answer.location, at)
    if (answer.status < 300 || answer.status > 399 || next === null) {
      throw failed(url, `it answered ${answer.status}`)
    }
    at = next.href
  }
  throw failed(url, `more than ${DOWNLOAD_REDIRECTS} redirects`)
}

function failed(source: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('GUEST_CODE_READ', { source, reason }, cause)
}
