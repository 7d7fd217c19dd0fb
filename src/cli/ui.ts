/** What a command says to its user: lines, tables and progress for people, one JSON document for programs. */
import { startProgress, writeAbove } from './ui/progress.ts'
import type { Progress, ProgressOptions } from './ui/progress.ts'
import { formatTable } from './ui/table.ts'
import type { Cell } from './ui/table.ts'

export type { Progress } from './ui/progress.ts'

export interface Ui {
  /** Prints a line for people. */
  line(text?: string): void
  /** Prints a table for people; columns of numbers are aligned right. */
  table(head: string[], rows: Cell[][]): void
  /** Starts a progress display on stderr: a bar on a terminal, elsewhere about ten plain lines. */
  progress(label: string, total: number, options?: ProgressOptions): Progress
  /** Prints the command's result as the one JSON document on stdout, where `--json` was asked for. */
  result(value: unknown): void
}

export interface UiOptions {
  /** Keep stdout for the JSON document: text for people goes to stderr. */
  json?: boolean
  stdout?: NodeJS.WriteStream
  stderr?: NodeJS.WriteStream
}

/** Makes the user interface of one command. */
export function createUi({ json = false, stdout = process.stdout, stderr = process.stderr }: UiOptions = {}): Ui {
  const out = json ? stderr : stdout
  return {
    line: (text = '') => writeAbove(out, `${text}\n`),
    table: (head, rows) => writeAbove(out, `${formatTable(head, rows, out.columns)}\n`),
    progress: (label, total, options) => startProgress(stderr, label, total, options),
    result: (value) => {
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    },
  }
}
