/** `graft verify`: checks a bundle's hashes, parts and golden logits. */
import { Command } from 'commander'
import { jsonOption } from './options.ts'
import { createUi } from './ui.ts'

/** The `verify` command. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description("check a bundle: its files' hashes, its parts, and the logits that it must give")
    .argument('<bundle>', 'folder that `graft export` wrote')
    .addOption(jsonOption())
    .action(async (bundle: string, { json }: { json?: boolean }) => {
      const { verifyBundle } = await import('../export/verify.ts')
      const ui = createUi({ json })
      const { ok, checks } = await verifyBundle(bundle)
      ui.table(
        ['check', 'result', 'found'],
        checks.map((check) => [check.name, check.ok ? 'ok' : 'FAILED', check.detail]),
      )
      const failed = checks.filter((check) => !check.ok).length
      ui.line(ok ? `\n${bundle} is sound.` : `\n${bundle}: ${failed} of ${checks.length} checks failed.`)
      ui.result({ bundle, ok, checks })
      if (!ok) process.exitCode = 1
    })
}
