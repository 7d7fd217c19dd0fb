/** `graft init`: a new base with random weights, as a Hugging Face folder. */
import { Command } from 'commander'
import { jsonOption, positiveInteger, wholeNumber } from './options.ts'
import { createUi } from './ui.ts'

interface Options {
  out: string
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
    .description('write a new base with random weights (config.json, model.safetensors)')
    .requiredOption('--out <dir>', 'folder to write')
    .option('--embd <size>', 'width of the model (n_embd)', positiveInteger, 256)
    .option('--layer <count>', 'number of layers (n_layer)', positiveInteger, 4)
    .option('--head <count>', 'number of attention heads (n_head)', positiveInteger, 8)
    .option('--inner <size>', 'width of the feed-forward layer (n_inner; default: twice the width)', positiveInteger)
    .option('--positions <count>', 'longest text in tokens (n_positions)', positiveInteger, 256)
    .option('--seed <number>', 'seed of the weights', wholeNumber, 123)
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(init)
}

async function init({
  out,
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
  const { sizeOf } = await import('../core/tensors.ts')
  const { writeBase } = await import('../files/base-folder.ts')
  const { withOutput } = await import('../files/output.ts')
  const { createBase } = await import('../train/base.ts')
  const ui = createUi({ json })
  const sizes = { n_embd: embd, n_layer: layer, n_head: head, n_inner: inner, n_positions: positions }
  const base = await withOutput(out, { kind: 'model', force }, async (output) => {
    const created = createBase(sizes, seed)
    await writeBase(output, created)
    return created
  })
  const parameters = [...base.weights.values()].reduce((total, { shape }) => total + sizeOf(shape), 0)
  ui.line(`Wrote ${out}: ${sizeWords(base.config)}, ${parameters.toLocaleString('en-US')} parameters`)
  ui.result({ out, parameters, config: base.config })
}
