/** The page's own files: built already in an installed package, from src/web in a clone. */
import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url))

/** Puts the page into an empty folder. */
export async function copyPage(dir: string): Promise<void> {
  const configFile = path('vite.config.ts')
  if (!existsSync(configFile)) return cp(path('dist/page'), dir, { recursive: true })
  // A development dependency, as bin/graft.js' tsx is. It takes a second, so what is built is never stale.
  const { build } = await import('vite')
  await build({ configFile, logLevel: 'error', build: { outDir: dir } })
}
