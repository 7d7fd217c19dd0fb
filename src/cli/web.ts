/** `graft web`: writes a static site that classifies in the visitor's browser, and shows it on request. */
import { Command } from 'commander'
import { jsonOption } from './options.ts'
import { untilAskedToStop } from './serve/shutdown.ts'
import { type Ui, createUi } from './ui.ts'
import type { SitePart } from './web/site.ts'

interface Options {
  out: string
  open?: boolean
  force?: boolean
  json?: boolean
}

/** The `web` command. */
export function webCommand(): Command {
  return new Command('web')
    .description("make a static site that classifies in the visitor's browser: no text leaves it")
    .argument('<bundle>', 'folder that `graft export` wrote')
    .requiredOption('--out <dir>', 'folder to write')
    .option('--open', 'serve the site on this machine and open it, until Ctrl-C')
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(makeSite)
}

async function makeSite(bundle: string, { out, open, force, json }: Options): Promise<void> {
  const { writeSite } = await import('./web/site.ts')
  const ui = createUi({ json })
  const parts = await writeSite(bundle, out, { force })
  printSite(ui, out, parts)
  if (open) await show(ui, out, parts)
  else ui.result({ out, parts })
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`

function printSite(ui: Ui, out: string, parts: readonly SitePart[]): void {
  ui.table(
    ['part', 'size'],
    parts.map(({ name, bytes }) => [name, megabytes(bytes)]),
  )
  const needed = parts.filter(({ optional }) => !optional).reduce((sum, { bytes }) => sum + bytes, 0)
  ui.line(`\nA first visit downloads ${megabytes(needed)}, less where the host compresses; the next ones nothing.`)
  ui.line(`Wrote ${out}: put it on any static host, under any path. Nothing runs on the server.`)
}

async function show(ui: Ui, out: string, parts: readonly SitePart[]): Promise<void> {
  const { isolation, serveSite, siteHeaders } = await import('./web/server.ts')
  const { default: openBrowser } = await import('open')
  const stopped = untilAskedToStop()
  const { url, close } = await serveSite(out, { headers: { ...siteHeaders, ...isolation } })
  ui.line(`\nServing it on ${url} until Ctrl-C`)
  ui.result({ out, parts, url })
  await openBrowser(url)
  await stopped
  await close()
}
