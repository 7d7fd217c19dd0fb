/** `graft init`: a new base with random weights, as a Hugging Face folder. */
import { Command, Option } from 'commander'
import { modelTypes } from '../core/families.ts'
import { jsonOption, positiveInteger, wholeNumber } from './options.ts'
import { createUi } from './ui.ts'

interface Options {
  out: string
  family: string
  tokenizer?: string
  embd: number
  layer: number
  head: number
  inner?: number
  positions: number
  seed: number
  force?: boolean
  json?: boolean
}

/** The `init` command. */
export function initCommand(): Command {
  return new Command('init')
    .description('write a new base with random weights: config.json, model.safetensors, tokenizer')
    .requiredOption('--out <dir>', 'folder to write')
    .addOption(new Option('--family <type>', 'family of the model').choices(modelTypes).default('gpt2'))
    .option('--tokenizer <dir>', "folder of a tokenizer.json (default: GPT-2's tokenizer)")
    .option('--embd <size>', 'width of the model', positiveInteger, 256)
    .option('--layer <count>', 'number of layers', positiveInteger, 4)
    .option('--head <count>', 'number of attention heads', positiveInteger, 8)
    .option('--inner <size>', 'width of the feed-forward layer (default: twice the width)', positiveInteger)
    .option('--positions <count>', 'longest text in tokens', positiveInteger, 256)
    .option('--seed <number>', 'seed of the weights', wholeNumber, 123)
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(init)
}

async function init({
  out,
  family,
  tokenizer: tokenizerDir,
  embd,
  layer,
  head,
  inner = 2 * embd,
  positions,
  seed,
  force,
  json,
}: Options): Promise<void> {
  const { sizeWords } = await import('../core/families.ts')
  const { countNumbers } = await import('../core/tensors.ts')
  const { writeBase } = await import('../files/base-folder.ts')
  const { withOutput } = await import('../files/output.ts')
  const { openTokenizer, readTokenizer } = await import('../files/tokenizer-files.ts')
  const { createBase } = await import('../train/base.ts')
  const ui = createUi({ json })
  const sizes = { width: embd, layers: layer, heads: head, inner, positions }
  const base = await withOutput(out, { kind: 'model', force }, async (output) => {
    const tokenizer = tokenizerDir === undefined ? 'gpt2' : await readTokenizer(tokenizerDir)
    const vocabulary = (await openTokenizer(tokenizer)).vocabularySize
    const created = createBase({ family, ...sizes, vocabulary }, seed)
    await writeBase(output, created, { tokenizer })
    return created
  })
  const parameters = countNumbers(base.weights)
  ui.line(`Wrote ${out}: ${sizeWords(base.config)}, ${parameters.toLocaleString('en-US')} parameters`)
  ui.result({ out, parameters, config: base.config })
}
