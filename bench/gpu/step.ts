/** LoRA steps on one device, in a process of its own, so that memory is its own too: prints one JSON line. */
import { execFileSync } from 'node:child_process'
import { argv } from 'node:process'
import { parseArgs } from 'node:util'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { DEVICE_NAMES } from '../../src/core/devices.ts'
import { linearLayers } from '../../src/core/layers.ts'
import { createRandom } from '../../src/core/random.ts'
import { initializeBase } from '../../src/core/initialize.ts'
import type { Feeds } from '../../src/train/engine.ts'
import { openEngine } from '../../src/train/engine/open.ts'
import { ADAMW_DEFAULTS } from '../../src/train/optimizer.ts'
import { loraProgram } from '../../src/train/program/classifier.ts'
import { median, time } from '../measure.ts'

const names = ['device', 'layers', 'width', 'heads', 'rows', 'length', 'steps'] as const
const { values } = parseArgs({
  args: argv.slice(2),
  options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
})
const number = (name: (typeof names)[number]) => Number(values[name])

/** The embedding is only looked up, and training sees only the tokens in use. */
const VOCABULARY = 1000
/** Steps whose losses are compared with the CPU's. */
const COMPARED = 10

const random = createRandom(1)
const config = createConfig({
  vocab_size: VOCABULARY,
  n_layer: number('layers'),
  n_embd: number('width'),
  n_head: number('heads'),
  n_inner: null,
  n_positions: Math.max(1024, number('length')),
})
const program = loraProgram(
  { config, weights: initializeBase(config, random), labels: 2, weightDecay: 0.01, random },
  { rank: 8, scaling: 2, dropout: 0, targets: linearLayers(config).map(({ name }) => name), initialization: 'normal' },
)

function createBatch(): Feeds {
  const [rows, shape] = [number('rows'), [number('rows'), number('length')]]
  const size = rows * number('length')
  return {
    input_ids: { data: Int32Array.from({ length: size }, () => random.integer(VOCABULARY)), shape },
    attention_mask: { data: new Int32Array(size).fill(1), shape },
    labels: { data: Int32Array.from({ length: rows }, () => random.integer(2)), shape: [rows] },
  }
}

/** Of this process on an NVIDIA GPU; elsewhere the largest resident set. */
function memoryBytes(): number {
  try {
    const query = ['--query-compute-apps=pid,used_memory', '--format=csv,noheader,nounits']
    const lines = execFileSync('nvidia-smi', query, { encoding: 'utf8' }).trim().split('\n')
    const own = lines.map((line) => line.split(',').map(Number)).find(([pid]) => pid === process.pid)
    if (own?.[1]) return own[1] * 2 ** 20
  } catch {
    // No such tool, so no such GPU.
  }
  return 1024 * process.resourceUsage().maxRSS
}

const device = DEVICE_NAMES.find((name) => name === values['device'])
if (!device) throw new Error(`no device ${values['device']}`)
const engine = await openEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 }, { device })
const batches = Array.from({ length: COMPARED }, createBatch)
const losses: number[] = []
for (const [at, batch] of batches.entries()) {
  losses.push((await engine.step(batch, { learningRate: 1e-3, step: at + 1 })).loss)
}
const [batch = createBatch()] = batches
let step = COMPARED
const times = await time(() => engine.step(batch, { learningRate: 1e-3, step: ++step }), number('steps'))
const tokensPerSecond = batch.input_ids.data.length / (median(times) / 1000)
console.log(JSON.stringify({ tokensPerSecond, memoryBytes: memoryBytes(), losses }))
await engine.dispose()
