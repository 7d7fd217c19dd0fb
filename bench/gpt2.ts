/**
 * GPT-2 small's shape with random weights, through the commands: import, 20 LoRA steps, export, verify, classify. Time and
 * peak memory of each command, as the system counts them; memory is also shown in units of the weights.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runMeasured, writeModel } from './gpt2/model.ts'

/** Adapted when asked for another size: `npm run bench:gpt2 -- medium`. */
const size = process.argv[2] ?? 'small'

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-gpt2-'))
  const path = (name: string) => join(dir, name)
  try {
    const weights = await writeModel(path('model'), size)
    const fileBytes = (await stat(join(path('model'), 'model.safetensors'))).size
    console.log(
      `GPT-2 ${size}'s shape: weights of ${(weights / 1e6).toFixed(0)} MB, file of ${(fileBytes / 1e6).toFixed(0)} MB`,
    )
    const rows = (await readFile(new URL('../examples/data/spam.csv', import.meta.url), 'utf8'))
      .split('\n')
      .slice(0, 201)
    await writeFile(path('data.csv'), rows.join('\n'))
    await runMeasured(dir, ['data', path('data.csv'), '--out', path('data'), '--split', '0.8,0.1,0.1'])
    const train = ['--batch-size', '8', '--max-length', '64', '--epochs', '1', '--rank', '8']
    const stages: [string, number | undefined, string[]][] = [
      ['import', (1.5 * fileBytes) / weights, ['import', path('model'), '--out', path('base')]],
      [
        'train, 20 steps of 8 × 64',
        4,
        ['train', '--base', path('base'), '--data', path('data'), '--out', path('adapter'), ...train],
      ],
      ['export, merged', 2.5, ['export', '--adapter', path('adapter'), '--mode', 'merged', '--out', path('merged')]],
      [
        'export, unmerged',
        2.5,
        ['export', '--adapter', path('adapter'), '--mode', 'unmerged', '--out', path('unmerged')],
      ],
      ['verify, merged', undefined, ['verify', path('merged')]],
      ['verify, unmerged', undefined, ['verify', path('unmerged')]],
      ['classify, merged', undefined, ['classify', '--model', path('merged'), 'You have won a prize!']],
      ['classify, unmerged', undefined, ['classify', '--model', path('unmerged'), 'You have won a prize!']],
    ]
    console.log('\n| command | seconds | peak memory | in weights | bar |\n| --- | --- | --- | --- | --- |')
    for (const [name, bar, args] of stages) {
      const { seconds, memory } = await runMeasured(dir, args)
      const share = (memory / weights).toFixed(2)
      console.log(
        `| ${name} | ${seconds.toFixed(1)} | ${(memory / 1e6).toFixed(0)} MB | ${share} × | ${bar ? `≤ ${bar.toFixed(2)} ×` : ''} |`,
      )
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

await main()
