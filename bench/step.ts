/** Times the compiled LoRA step against TF.js' cpu backend, and its arithmetic against a bare ONNX Runtime product. */
import { createConfig } from '../src/core/config.ts'
import { linearLayers } from '../src/core/layers.ts'
import { createRandom } from '../src/core/random.ts'
import { initializeBase } from '../src/model/initialize.ts'
import { loraProgram } from '../src/train/classifier.ts'
import { createCompiledEngine } from '../src/train/engine/compiled.ts'
import { createEagerEngine } from '../src/train/engine/eager.ts'
import { ADAMW_DEFAULTS } from '../src/train/optimizer.ts'

const which = process.argv[2]
const small = createConfig({ vocab_size: 1000 })
const gpt2 = createConfig({ vocab_size: 1000, n_embd: 768, n_layer: 12, n_head: 12, n_inner: null, n_positions: 1024 })
const config = which === 'gpt2' ? gpt2 : small
const random = createRandom(1)
const program = loraProgram({ config, weights: initializeBase(config, random), labels: 2, weightDecay: 0.01, random }, { rank: 8, scaling: 2, dropout: 0, targets: linearLayers(config).map((l) => l.name), initialization: 'normal' })
const [rows, length] = [8, 64]
const batch = { rows, length, inputIds: Int32Array.from({ length: rows * length }, () => random.integer(1000)), attentionMask: new Int32Array(rows * length).fill(1), labels: Int32Array.from({ length: rows }, (_, i) => i % 2) }
let t = performance.now()
const engine = await createCompiledEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 })
console.log('create', performance.now() - t)
const times = []
for (let i = 1; i <= 15; i++) { t = performance.now(); const r = await engine.step(batch, { learningRate: 1e-3, step: i }); times.push(performance.now() - t); if (i < 4) console.log(r.loss, r.gradientNorm) }
console.log('compiled', times.map((x) => x.toFixed(0)).join(' '))
if (which === 'eager') {
const eager = await createEagerEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 })
for (let i = 1; i <= 3; i++) { t = performance.now(); const r = await eager.step(batch, { learningRate: 1e-3, step: i }); console.log('eager', performance.now() - t, r.loss, r.gradientNorm) }
}
