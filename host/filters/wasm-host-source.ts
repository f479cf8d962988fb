import type { z } from '../config/schema.ts'
import { isRemote, isRemoteAllowed } from '../wasm/module-source.ts'

interface SourceFields {
  readonly code?: string | undefined
  readonly plugin?: string | undefined
  readonly sha256?: string | undefined
}

/** Which of the fields that say where a module is may stand together. */
export function checkSource(spec: SourceFields, context: z.RefinementCtx<SourceFields>): void {
  const { code, plugin, sha256 } = spec
  const report = (field: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [field], message })
  if (code === undefined && plugin === undefined) {
    report('code', '`code` is missing: it names the module, or `plugin` names a stored one')
    return
  }
  if (code !== undefined && plugin !== undefined) {
    report('plugin', '`code` and `plugin` both name the module: leave one of them out')
    return
  }
  if (plugin !== undefined && sha256 !== undefined) {
    report('sha256', '`sha256` is for `code`: a stored version never changes')
    return
  }
  if (code === undefined || !isRemote(code)) return
  if (!isRemoteAllowed(code)) {
    report('code', '`code` must be an https URL: http is allowed from this machine only')
  }
  if (sha256 === undefined) {
    report(
      'sha256',
      '`sha256` is missing: a module from a URL is only run when it is the one you know',
    )
  }
}
