import { join } from 'node:path'
import { build } from 'vite'

/** The folder with the sources of the page. */
export const PAGE_SOURCES = join(import.meta.dirname, 'app')

/**
 * Bundles the page into `outDir`, which is emptied: `index.html`, `app.js` and `app.css`, no names that
 * change and no folders, so that the admin API serves them from a list. Takes about a second.
 */
export async function buildPage(outDir: string): Promise<void> {
  await build({
    configFile: false,
    root: PAGE_SOURCES,
    // Where the admin API serves it.
    base: '/ui/',
    publicDir: false,
    logLevel: 'error',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      // The page's policy forbids inline scripts and styles, and data: addresses.
      assetsInlineLimit: 0,
      modulePreload: false,
      cssCodeSplit: false,
      rolldownOptions: {
        output: {
          entryFileNames: 'app.js',
          chunkFileNames: '[name].js',
          assetFileNames: 'app[extname]',
        },
      },
    },
  })
}
