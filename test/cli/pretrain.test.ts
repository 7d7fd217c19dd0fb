/** `graft pretrain`: the base that it writes, and what it refuses. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createRandom } from '../../src/core/random.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { initializeBase } from '../../src/core/initialize.ts'
import { runGraft } from './command-line.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-pretrain-'))
const path = (...names: string[]) => join(dir, ...names)
afterAll(() => rmSync(dir, { recursive: true }))

beforeAll(async () => {
  const config = createConfig({ n_positions: 16, n_embd: 8, n_layer: 1, n_head: 2, n_inner: 12 })
  await writeBase(path('random'), { config, weights: initializeBase(config, createRandom(1)) })
  writeFileSync(path('corpus.txt'), 'The cat sat on the mat, and the dog sat on the log.\n'.repeat(40))
  writeFileSync(path('rows.csv'), 'label,text\nx,The cat sat on the log.\n')
})

const pretrain = (...args: string[]) => runGraft(['pretrain', '--device', 'cpu', ...args], { cwd: dir })

const common = ['--base', 'random', '--corpus', 'corpus.txt', 'rows.csv', '--sequence-length', '16', '--seed', '5']

describe('graft pretrain', () => {
  it('writes a base whose perplexity is far below that of random weights, with its report', async () => {
    const { status, stdout, stderr } = pretrain(
      ...common,
      ...'--out base --epochs 8 --batch-size 4 --learning-rate 0.01 --json'.split(' '),
    )
    expect({ status, last: stderr.trim().split('\n').at(-1) }).toEqual({
      status: 0,
      last: 'Wrote base; its curves: base/report.html',
    })
    const result = JSON.parse(stdout) as { perplexity: number; steps: number; bestStep: number }
    expect(result.perplexity).toBeLessThan(1000) // 50,257 without training
    expect(readdirSync(path('base')).toSorted()).toEqual(
      expect.arrayContaining([
        'config.json',
        'curves.svg',
        'graft.json',
        'metrics.jsonl',
        'model.safetensors',
        'report.html',
      ]),
    )
    const { config, info, weights } = await readBase(path('base'))
    expect(config.architectures).toEqual(['GPT2LMHeadModel'])
    expect(info).toMatchObject({
      kind: 'base',
      seed: 5,
      corpus: [{ name: 'corpus.txt' }, { name: 'rows.csv', tokens: 8 }],
      metrics: { perplexity: result.perplexity },
      hyperparameters: { learningRate: 0.01, sequenceLength: 16, decay: 'cosine' },
    })
    expect(weights.get('transformer.wte.weight')?.shape).toEqual([50257, 8])
    expect(readFileSync(path('base', 'report.html'), 'utf8')).toContain(`<b>${result.perplexity.toFixed(1)}</b>`)
    expect(existsSync(path('base.checkpoint.safetensors'))).toBe(false)
  })

  it('refuses a base of another family, and one with a tokenizer of its own', () => {
    const golden = fileURLToPath(new URL('../interop/golden/tokenizers/bert-uncased', import.meta.url))
    const init = (...args: string[]) =>
      runGraft(['init', '--embd', '8', '--layer', '1', '--head', '2', '--positions', '32', ...args], { cwd: dir })
    expect(init('--family', 'bert', '--out', 'bert').status).toBe(0)
    expect(init('--tokenizer', golden, '--out', 'other-words').status).toBe(0)
    const refusal = (base: string) => {
      const { status, stderr } = pretrain(
        '--base',
        base,
        '--corpus',
        'corpus.txt',
        '--sequence-length',
        '16',
        '--out',
        'x',
      )
      return [status, stderr.split('\n').find((line) => line.startsWith('error: '))]
    }
    expect(refusal('bert')).toEqual([1, 'error: the base is of the family bert, and only GPT-2 bases are pretrained'])
    const own = "error: other-words has a tokenizer of its own, and pretraining reads texts by GPT-2's"
    expect(refusal('other-words')).toEqual([1, own])
  })

  it('stores half precision where asked for, goes on from a base, and leaves the head of neighbours out of it', async () => {
    const { status } = pretrain(
      ...'--base base --corpus rows.csv corpus.txt --sequence-length 16 --epochs 1 --neighbour-loss 0.5 --out half --dtype float16'.split(
        ' ',
      ),
    )
    expect(status).toBe(0)
    const [whole, half] = ['base', 'half'].map((name) => statSync(path(name, 'model.safetensors')).size)
    expect(half! / whole!).toBeLessThan(0.51)
    const [before, after] = [await readBase(path('base')), await readBase(path('half'))]
    expect(after.config).toMatchObject({ dtype: 'float16' })
    expect(after.info).toMatchObject({ baseSha256: before.sha256, hyperparameters: { neighbourLoss: 0.5 } })
    expect([...after.weights.keys()].toSorted()).toEqual([...before.weights.keys()].toSorted())
  })

  it.each([
    ['no corpus', 2, ['--out', 'x'], "required option '--corpus <file...>' not specified"],
    ['a corpus that is not there', 1, ['--corpus', 'none.txt', '--out', 'x'], 'none.txt'],
    ['sequences longer than the positions', 1, [...common, '--sequence-length', '17', '--out', 'x'], '16 positions'],
    ['an output that exists', 1, [...common, '--out', 'random'], 'random is what this command reads'],
  ])('refuses %s with %d', (_, code, args, message) => {
    const { status, stdout, stderr } = pretrain(...args)
    expect({ status, stdout }).toEqual({ status: code, stdout: '' })
    expect(stderr).toContain(message)
    expect(readdirSync(dir)).not.toContain('x')
  })
})
