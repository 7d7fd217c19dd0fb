/** Tables that a command reads: files, named pipes, and standard input; and the options that say how. */
import type { Command } from 'commander'
import { list } from './options.ts'
import type { TableSource } from '../core/table.ts'
import { tableFile } from '../files/table-file.ts'

/** Adds what tells how tables are to be read. */
export const withTableOptions = (command: Command): Command =>
  command
    .option('--delimiter <character>', 'between the fields of CSV, such as ";" or tab (default: told from the header)')
    .option('--encoding <name>', 'of the file, such as windows-1252 (default: UTF-8, or as a byte order mark says)')

/** Adds what tells where the labels of a table are. */
export const withLabelOptions = (command: Command): Command =>
  command
    .option('--label <column>', 'column of the labels (default: label, category, … as found)')
    .option('--label-separator <text>', 'a row may have several labels, with this between them, such as ";"')
    .option(
      '--label-columns <names>',
      'a row may have several labels: columns of 0 and 1, one for each, with commas',
      list,
    )

/** Whether a path means standard input. */
const isStdin = (path: string) => path === '-' || path === '/dev/stdin'

/** A table by its path; `-` is standard input. */
export const tableInput = (path: string): TableSource =>
  isStdin(path) ? { name: 'stdin', bytes: process.stdin as AsyncIterable<Buffer> } : tableFile(path)
