/** The `graft` program: lists the commands, runs the one asked for, and turns failures into messages and exit codes. */
import { createRequire } from 'node:module'
import { Command } from 'commander'
import { adaptersCommand } from './adapters.ts'
import { classifyCommand } from './classify.ts'
import { dataCommand } from './data.ts'
import { doctorCommand } from './doctor.ts'
import { evalCommand } from './eval.ts'
import { exportCommand } from './export.ts'
import { describeFailure } from './failure.ts'
import { importCommand } from './import.ts'
import { initCommand } from './init.ts'
import { runWithShortArguments } from './long-arguments.ts'
import { distillCommand } from './distill.ts'
import { pruneCommand } from './prune.ts'
import { pretrainCommand } from './pretrain.ts'
import { quickstartCommand } from './quickstart.ts'
import { serveCommand } from './serve.ts'
import { sweepCommand } from './sweep.ts'
import { trainCommand } from './train.ts'
import { stopProgress } from './ui/progress.ts'
import { verifyCommand } from './verify.ts'
import { webCommand } from './web.ts'

/** The commands, in the order of use. Each loads the heavy libraries that it needs when it runs, not before. */
const commands = [
  doctorCommand(),
  dataCommand(),
  initCommand(),
  importCommand(),
  pretrainCommand(),
  distillCommand(),
  pruneCommand(),
  trainCommand(),
  sweepCommand(),
  evalCommand(),
  adaptersCommand(),
  exportCommand(),
  verifyCommand(),
  classifyCommand(),
  serveCommand(),
  webCommand(),
  quickstartCommand(),
]

interface PackageJson {
  version: string
  description: string
}

function createProgram(): Command {
  const { version, description }: PackageJson = createRequire(import.meta.url)('../../package.json')
  const program = new Command('graft')
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--debug', 'print the stack with an error')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program))
    command.showHelpAfterError(
      `Usage: graft ${command.name()} ${command.usage()}\nSee \`graft ${command.name()} --help\`.`,
    )
  }
  program.showHelpAfterError(`Usage: graft ${program.usage()}\nSee \`graft --help\`.`)
  return program
}

/** Whether `--json` stands among the options: asked of the arguments, since the parser may be what failed. */
function wantsJson(args: string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).includes('--json')
}

/** Reports a failure and ends the process, which a worker or a timer of the failed command could otherwise keep. */
function fail(error: unknown, debug: boolean): void {
  stopProgress()
  const failure = describeFailure(error, { debug })
  if (!failure) return
  process.stderr.write(failure.text)
  const document = wantsJson(process.argv) ? `${JSON.stringify({ error: failure.document }, null, 2)}\n` : ''
  process.stdout.write(document, () => process.exit(failure.exitCode))
}

/** A reader that has seen enough, as in `graft … | head`, is no error. */
function exitQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
}

async function main(): Promise<void> {
  if (await runWithShortArguments()) return
  const program = createProgram()
  const failMain = (error: unknown) => fail(error, program.opts().debug === true)
  process.stdout.on('error', exitQuietlyOnClosedPipe)
  process.stderr.on('error', exitQuietlyOnClosedPipe)
  process.on('uncaughtException', failMain)
  await program.parseAsync().catch(failMain)
}

await main()
