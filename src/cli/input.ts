/** Tables that a command reads: files, named pipes, and standard input; and the options that say how. */
import type { Command } from 'commander'
import type { TableSource } from '../core/table.ts'
import { tableFile } from '../files/table-file.ts'

/** Adds what tells how tables are to be read. */
export const withTableOptions = (command: Command): Command =>
  command
    .option('--delimiter <character>', 'between the fields of CSV, such as ";" or tab (default: told from the header)')
    .option('--encoding <name>', 'of the file, such as windows-1252 (default: UTF-8, or as a byte order mark says)')

/** Whether a path means standard input. */
const isStdin = (path: string) => path === '-' || path === '/dev/stdin'

/** A table by its path; `-` is standard input. */
export const tableInput = (path: string): TableSource =>
  isStdin(path) ? { name: 'stdin', bytes: process.stdin as AsyncIterable<Buffer> } : tableFile(path)
