/** `graft adapters`: looks at adapters, compares them, and makes one of several. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { jsonOption, list, positiveInteger } from './options.ts'

function numbers(text: string): number[] {
  const values = list(text).map(Number)
  if (values.some((value) => !Number.isFinite(value)))
    throw new InvalidArgumentError('Expected numbers, such as 0.7,0.3.')
  return values
}

/** The `adapters` command. */
export function adaptersCommand(): Command {
  const command = new Command('adapters').description('list, inspect, compare and merge adapters, of PEFT too')
  command
    .command('list')
    .description('the adapters in a folder')
    .argument('<dir>', 'folder of adapter folders, or a bundle')
    .addOption(jsonOption())
    .action(async (dir: string, options) => (await import('./adapters/look.ts')).listAdapters(dir, options))
  command
    .command('inspect')
    .description('rank, scale, size and norms of each layer')
    .argument('<adapter>', 'adapter folder')
    .addOption(jsonOption())
    .action(async (dir: string, options) => (await import('./adapters/look.ts')).inspectAdapter(dir, options))
  command
    .command('diff')
    .description('how far apart two adapters are, layer by layer')
    .argument('<a>', 'adapter folder')
    .argument('<b>', 'another, of the same base')
    .addOption(jsonOption())
    .action(async (a: string, b: string, options) => (await import('./adapters/look.ts')).diffAdapters(a, b, options))
  command
    .command('merge')
    .description('make one adapter of several, as PEFT does')
    .argument('<adapters...>', 'adapter folders of the same base')
    .requiredOption('--out <dir>', 'folder to write')
    .addOption(
      new Option('--method <name>', 'linear: sums of A and B; cat: exact, of the summed rank; svd: nearest of a rank')
        .choices(['linear', 'cat', 'svd'])
        .default('svd'),
    )
    .option('--weights <numbers>', 'weights with commas (default: the mean)', numbers)
    .option('--rank <r>', 'rank of the result by svd (default: the largest of the adapters)', positiveInteger)
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(async (dirs: string[], options) => (await import('./adapters/merge.ts')).mergeAdapters(dirs, options))
  return command
}
