/** `graft doctor`: what this machine has, whether training works here, and what to do where something lacks. */
import { Command } from 'commander'
import pc from 'picocolors'
import type { Check } from './doctor/check.ts'
import { jsonOption } from './options.ts'
import { createUi } from './ui.ts'
import type { Ui } from './ui.ts'

const marks = { ok: pc.green('ok'), missing: pc.red('missing'), optional: pc.dim('optional') }

/** Makes every check. The checkers load the heavy libraries, so they are loaded here and not with the command. */
export async function runChecks(): Promise<Check[]> {
  const { checkMachine } = await import('./doctor/machine.ts')
  const { checkOnnxRuntime } = await import('./doctor/onnx-runtime.ts')
  const { checkTensorFlowPackages } = await import('./doctor/tensorflow.ts')
  const { checkGpu } = await import('./doctor/gpu.ts')
  return [
    ...(await checkMachine()),
    ...(await checkOnnxRuntime()),
    ...(await checkTensorFlowPackages()),
    await checkGpu(),
  ]
}

/** Prints the checks and returns whether training on the CPU will work. */
export function reportChecks(ui: Ui, checks: Check[]): boolean {
  ui.table(
    ['check', 'status', 'found'],
    checks.map(({ name, status, found }) => [name, marks[status], found]),
  )
  const advised = checks.filter((check) => check.advice)
  if (advised.length > 0) ui.line()
  for (const { name, advice } of advised) ui.line(`${pc.bold(name)}: ${advice}`)
  const ok = checks.every((check) => check.status !== 'missing')
  ui.line()
  ui.line(ok ? 'Training on the CPU works here.' : 'Training does not work here yet: see what is missing above.')
  return ok
}

/** The `doctor` command. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show what this machine has, and what to do where something lacks')
    .addOption(jsonOption())
    .action(async ({ json }: { json?: boolean }) => {
      const [ui, checks] = [createUi({ json }), await runChecks()]
      const ok = reportChecks(ui, checks)
      ui.result({ ok, checks })
      if (!ok) process.exitCode = 1
    })
}
