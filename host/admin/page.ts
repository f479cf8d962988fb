/** One file of the page. */
export interface PageFile {
  readonly bytes: Buffer
  readonly type: string
}

/** The files of the page by name, `index.html` among them. Made when the page is first asked for. */
export type LoadPage = () => Promise<ReadonlyMap<string, PageFile>>

/**
 * What the page may do: load its own files, talk to its own server, and nothing else. No inline script or
 * style, no frame around it, no address to send a form to; text can become markup nowhere.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')
