/** scratch version */
import ranks from 'js-tiktoken/ranks/gpt2'
import { createConfig } from '../src/core/config.ts'
import { createRandom } from '../src/core/random.ts'
import { createTokenizer } from '../src/core/tokenizer.ts'
import { initializeBase } from '../src/model/initialize.ts'
import { fullProgram } from '../src/train/classifier.ts'
import { createCompiledEngine } from '../src/train/engine/compiled.ts'
import { evaluateSet } from '../src/train/evaluate.ts'
import { runLoop } from '../src/train/loop.ts'
import { ADAMW_DEFAULTS } from '../src/train/optimizer.ts'
import { prepareDataset, readLabelledExamples } from '../src/train/dataset.ts'
import { createVocabulary } from '../src/train/vocabulary.ts'

const opt = Object.fromEntries(process.argv.slice(2).map((a) => a.split('=')))
const num = (k: string, d: number) => (opt[k] === undefined ? d : Number(opt[k]))
const tokenizer = createTokenizer(ranks)
const all = []
for await (const e of readLabelledExamples('../shared/data/sms-spam/SMSSpamCollection')) all.push(e)
for (const seed of (opt.seeds ?? '1,2,3').split(',').map(Number)) {
  const t0 = performance.now()
  const ds = await prepareDataset(all, { balance: true, keepRepeats: false, split: [0.7, 0.1, 0.2], seed })
  const enc = (xs: { text: string; label: string }[]) => ({
    sequences: xs.map((x) => tokenizer.encode(x.text, { maxLength: num('len', 64) })),
    labels: xs.map((x) => ds.labels.indexOf(x.label)),
  })
  const [train, validation, test] = [enc(ds.splits.train), enc(ds.splits.validation), enc(ds.splits.test)]
  const config = createConfig({
    embd_pdrop: num('drop', 0.1),
    resid_pdrop: num('drop', 0.1),
    initializer_range: num('init', 0.02),
  })
  const full = initializeBase(config, createRandom(seed).fork('base'))
  const vocab = createVocabulary([...train.sequences, ...validation.sequences, ...test.sequences], 50256)
  for (const s of [train, validation, test]) s.sequences = s.sequences.map((x) => vocab.compact(x))
  const program = fullProgram({
    config,
    weights: vocab.restrict(full),
    labels: 2,
    weightDecay: num('wd', 0.01),
    random: createRandom(seed).fork('score'),
  })
  const engine = await createCompiledEngine({ program, optimizer: ADAMW_DEFAULTS, seed })
  const run = await runLoop({
    engine,
    train,
    validation,
    labels: ds.labels,
    padTokenId: vocab.compact([50256])[0]!,
    options: {
      epochs: num('epochs', 5),
      batchSize: num('batch', 16),
      learningRate: num('lr', 5e-4),
      warmup: num('warmup', 0.1),
      seed,
    },
    onRecord: (r) => {
      if (r.kind === 'evaluation' && opt.v) console.log(JSON.stringify(r))
    },
  })
  const lastTest = await evaluateSet((b) => engine.evaluate(b), test, ds.labels, vocab.compact([50256])[0]!)
  await engine.restore(new Map([...run.state, ...run.bestState!]))
  const bestTest = await evaluateSet((b) => engine.evaluate(b), test, ds.labels, vocab.compact([50256])[0]!)
  await engine.dispose()
  console.log(
    'seed',
    seed,
    'train',
    train.labels.length,
    'test',
    test.labels.length,
    'vocab',
    vocab.ids.length,
    'last',
    lastTest.metrics.accuracy.toFixed(4),
    'best',
    bestTest.metrics.accuracy.toFixed(4),
    'val',
    run.best!.accuracy.toFixed(4),
    'trainloss',
    run.history
      .filter((h) => h.kind === 'step')
      .at(-1)!
      .loss.toFixed(4),
    ((performance.now() - t0) / 1000).toFixed(1),
    's',
  )
}
