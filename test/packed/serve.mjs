/** The build's workers start where there are no sources, and give what the classifier gives. In the folder that README's lines leave. */
import assert from 'node:assert/strict'
import { openBundle } from 'graft-lora'
import { createInference } from 'graft-lora/serve'

const texts = ['A film that I loved', 'Dull']
const bundles = [{ name: 'merged', dir: 'runs/merged' }]
const service = await createInference({ bundles, workers: 1, maxQueue: 9, maxBatchTokens: 64, maxAdapters: 2 })
const { results } = await service.classify({ model: 'merged', texts, truncate: true })
await service.close()

const classifier = await openBundle('runs/merged')
const expected = await classifier.classify(texts)
assert.deepEqual(
  results.map(({ label }) => label),
  expected.map(({ label }) => label),
)
await classifier.close()
