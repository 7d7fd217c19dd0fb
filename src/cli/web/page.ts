/** The page's own files: built already in an installed package, from src/web in a clone. */
import { existsSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../../core/bundle.ts'

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url))

/** Puts the page into an empty folder. */
export async function copyPage(dir: string): Promise<void> {
  const configFile = path('vite.config.ts')
  if (!existsSync(configFile)) return cp(path('dist/page'), dir, { recursive: true })
  // A development dependency, as bin/graft.js' tsx is. It takes a second, so what is built is never stale.
  const { build } = await import('vite')
  await build({ configFile, logLevel: 'error', build: { outDir: dir } })
}

/** What a page tells of its bundle. */
export interface PageBundle {
  /** What the page is called, and what it does in a line; as index.html has them by default. */
  title?: string | undefined
  description?: string | undefined
  tokenizer: Manifest['tokenizer']
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (character) => escapes[character] ?? '')

/** GPT-2's vocabulary among the large files that index.html names, which a page downloads before it knows its bundle. */
const vocabulary = /,"assets\/gpt2-ranks-[^"]+":\d+|"assets\/gpt2-ranks-[^"]+":\d+,/

/** Writes into a page what it tells of its bundle before any script runs. */
export async function fitPage(dir: string, { title, description, tokenizer }: PageBundle): Promise<void> {
  const file = join(dir, 'index.html')
  let html = await readFile(file, 'utf8')
  const put = (before: RegExp, text: string | undefined) => {
    if (text !== undefined) html = html.replace(before, (_, tag: string) => `${tag}${escapeHtml(text)}`)
  }
  put(/(<title>)[^<]*/, title)
  put(/(<h1 id="title"[^>]*>)[^<]*/, title)
  put(/(<p id="tagline"[^>]*>)[^<]*/, description)
  put(/(<meta name="description" content=")[^"]*/, description)
  if (tokenizer !== 'gpt2') html = html.replace(vocabulary, '')
  await writeFile(file, html)
}
