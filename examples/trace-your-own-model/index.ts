/** Traces a TensorFlow.js model of one's own to ONNX, and runs it both ways. */
import { writeFile } from 'node:fs/promises'
import * as tf from '@tensorflow/tfjs'
import * as ort from 'onnxruntime-node'
// Where Graft is installed as a package: import { toOnnx, trace } from 'graft-lora/onnx'
import { toOnnx, trace } from '../../src/onnx/index.ts'

const model = tf.sequential()
model.add(tf.layers.embedding({ inputDim: 100, outputDim: 16, inputLength: 6 }))
model.add(tf.layers.layerNormalization())
model.add(tf.layers.flatten())
model.add(tf.layers.dense({ units: 3, activation: 'softmax' }))

const inputs = { ids: { shape: ['batch', 6], dtype: 'int32' as const } }
const graph = await trace(({ ids }) => ({ probabilities: model.apply(ids!) as tf.Tensor }), inputs) // ids: declared above
const file = process.argv[2] ?? 'model.onnx'
await writeFile(file, toOnnx(graph))

const ids = [1, 2, 3, 4, 5, 6, 99, 98, 97, 96, 95, 94]
const session = await ort.InferenceSession.create(file)
const feed = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [2, 6])
const { probabilities } = await session.run({ ids: feed })
const reference = model.apply(tf.tensor2d(ids, [2, 6], 'int32')) as tf.Tensor
const digits = (values: ArrayLike<number>) => Array.from(values, (value) => value.toFixed(5)).join(' ')
console.log('TensorFlow.js ', digits(reference.dataSync()))
console.log('ONNX Runtime  ', digits(probabilities?.data as Float32Array))
