/** `graft prune`: a smaller base, without the tokens that some texts never use, or without some layers. */
import { Command, InvalidArgumentError } from 'commander'
import { count } from './format.ts'
import { dtypeOption, jsonOption, list, positiveInteger } from './options.ts'
import { baseFolder } from './settings.ts'
import { createUi } from './ui.ts'

interface Options {
  base?: string
  out: string
  vocabulary?: string[]
  text?: string
  minCount: number
  layers?: number[]
  dtype: 'float32' | 'float16'
  force?: boolean
  json?: boolean
}

const layerNumbers = (text: string): number[] =>
  list(text).map((part) => {
    if (!/^\d+$/.test(part)) throw new InvalidArgumentError('Expected numbers from 0 with commas, such as 0,1,3.')
    return Number(part)
  })

/** The `prune` command. */
export function pruneCommand(): Command {
  return new Command('prune')
    .description('write a smaller base: without tokens that your texts never use, or without some layers')
    .requiredOption('--out <dir>', 'base folder to write')
    .option('--base <dir>', 'base to make smaller (default: the small one that ships with Graft)')
    .option(
      '--vocabulary <file...>',
      'keep only the tokens of these texts: plain text, or the column of texts of CSV, TSV and JSON Lines files',
    )
    .option('--text <column>', 'column of the texts (default: text, message, … as found)')
    .option('--min-count <count>', 'keep tokens that occur so often in the texts', positiveInteger, 1)
    .option('--layers <numbers>', 'layers to keep, from 0, with commas: 0,1,3', layerNumbers)
    .addOption(dtypeOption())
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(runPrune)
}

async function runPrune(options: Options): Promise<void> {
  const { out, vocabulary, text, minCount, layers, dtype, force, json } = options
  const { GraftError } = await import('../core/errors.ts')
  const { readBase, writeBase } = await import('../files/base-folder.ts')
  const { withOutput } = await import('../files/output.ts')
  const { readTokenizer } = await import('../files/tokenizer-files.ts')
  const { readDocuments } = await import('../train/corpus.ts')
  const { prune } = await import('../train/prune.ts')
  const { countNumbers } = await import('../core/tensors.ts')
  if (vocabulary === undefined && layers === undefined) {
    throw new GraftError('usage', 'there is nothing to leave out', {
      hint: 'Give --vocabulary with texts, or --layers with the numbers of those to keep.',
    })
  }
  const ui = createUi({ json })
  const dir = baseFolder(options.base)
  const inputs = [dir, ...(vocabulary ?? [])]
  const result = await withOutput(out, { kind: 'model', force, inputs }, async (output) => {
    const base = await readBase(dir)
    const tokenizer = await readTokenizer(dir, base.config)
    const texts = vocabulary && (await readDocuments(vocabulary, { text })).flatMap((file) => file.texts)
    const pruned = await prune({ ...base, tokenizer }, { texts, minCount, layers })
    const { config, weights, info } = pruned.base
    await writeBase(output, { config, weights, info }, { tokenizer: pruned.base.tokenizer, dtype })
    return { ...pruned, parameters: { before: countNumbers(base.weights), after: countNumbers(weights) } }
  })
  const { tokens, layers: depth, parameters } = result
  ui.table(
    ['', 'before', 'after'],
    Object.entries({ parameters, tokens, layers: depth }).map(([name, { before, after }]) => [
      name,
      count(before),
      count(after),
    ]),
  )
  ui.line(`\nWrote ${out}`)
  ui.line(`Next: graft train --base ${out} --data DIR --out DIR`)
  ui.result({ out, tokens, layers: depth, parameters })
}
