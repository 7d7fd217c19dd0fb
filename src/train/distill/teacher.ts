/** The teacher: a model's vectors of texts, the mean of its last states, of length 1. */
import * as tf from '@tensorflow/tfjs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { bucketBatches, padBatch } from '../../core/batch.ts'
import { createEncoder, padToken } from '../../core/encoder.ts'
import { modelOf } from '../../core/families.ts'
import type { ModelConfig } from '../../core/family.ts'
import { isHead } from '../../core/layers.ts'
import type { TensorMap } from '../../core/tensors.ts'
import { readBase } from '../../files/base-folder.ts'
import { loadModel } from '../../files/model-file.ts'
import { openTokenizer, readTokenizer } from '../../files/tokenizer-files.ts'
import { states } from '../../model/families.ts'
import { tokenBatch } from '../../model/family.ts'
import { denseLayers } from '../../model/layers.ts'
import { type InputSpec, toOnnxParts, trace } from '../../onnx/index.ts'

export interface Teacher {
  /** Of its weights and its tokenizer: with another, vectors are others. */
  sha256: string
  /** Numbers of a vector. */
  width: number
  /**
   * A vector of length 1 for each text, row by row: [texts, width].
   * @param onProgress called with the number of texts done; what it throws ends the work
   */
  vectorsOf(texts: readonly string[], onProgress?: (done: number) => void): Promise<Float32Array>
  dispose(): Promise<void>
}

export interface TeacherOptions {
  /** Tokens after which texts are cut. */
  maxLength: number
  threads?: number | undefined
}

/** Texts of a batch: enough for all cores, and little padding. */
const BATCH = 64

const DATA_FILE = 'teacher.bin'

/**
 * Opens a base of any family as a teacher.
 * @throws GraftError what `readBase` throws
 */
export async function openTeacher(dir: string, { maxLength, threads }: TeacherOptions): Promise<Teacher> {
  const { config, weights, sha256 } = await readBase(dir)
  const encode = createEncoder(config, await openTokenizer(await readTokenizer(dir, config)))
  const constants = new Map([...weights].filter(([name]) => !isHead(name)))
  const parts = toOnnxParts(await traceVectors(config, constants), { dataFile: DATA_FILE })
  const options = threads === undefined ? {} : { intraOpNumThreads: threads }
  const session = await loadModel(parts, DATA_FILE, (model) =>
    typeof model === 'string' ? InferenceSession.create(model, options) : InferenceSession.create(model, options),
  )
  const { width } = modelOf(config).sizes
  return {
    sha256,
    width,
    async vectorsOf(texts, onProgress) {
      const sequences = texts.map((text) => encode(text, maxLength).ids)
      const vectors = new Float32Array(texts.length * width)
      const batches = bucketBatches(
        sequences.map(({ length }) => length),
        { batchSize: BATCH },
      )
      let done = 0
      for (const indices of batches) {
        const rows = indices.map((index) => sequences[index] ?? [])
        const found = await run(session, rows, padToken(config))
        for (const [row, index] of indices.entries())
          vectors.set(found.subarray(row * width, (row + 1) * width), index * width)
        onProgress?.((done += indices.length))
      }
      return vectors
    },
    dispose: () => session.release(),
  }
}

const TOKENS: Record<string, InputSpec> = {
  input_ids: { shape: ['batch', 'sequence'], dtype: 'int32' },
  attention_mask: { shape: ['batch', 'sequence'], dtype: 'int32' },
}

/** As sentence-transformers' mean pooling and normalization: [batch, width]. */
const traceVectors = (config: ModelConfig, constants: TensorMap) =>
  trace(
    (tensors) => {
      const batch = tokenBatch(tensors)
      const all = states(config, tensors, batch, { layers: denseLayers(config, tensors), pool: false }) // [B·T, C]
      const [rows, sequence] = batch.inputIds.shape
      const mask = tf.reshape(tf.cast(batch.attentionMask, 'float32'), [rows, 1, sequence])
      // Vectors of length 1: the sum points where the mean does.
      const sum = tf.reshape(tf.matMul(mask, tf.reshape(all, [rows, sequence, -1])), [rows, -1]) // [B, C]
      return { vectors: tf.div(sum, tf.sqrt(tf.sum(tf.square(sum), 1, true))) }
    },
    TOKENS,
    { constants },
  )

async function run(session: InferenceSession, rows: readonly (readonly number[])[], padTokenId: number) {
  const { inputIds, attentionMask, rows: count, length } = padBatch(rows, padTokenId)
  const int64 = (values: Int32Array) => new Tensor('int64', BigInt64Array.from(values, BigInt), [count, length])
  const { vectors } = await session.run({ input_ids: int64(inputIds), attention_mask: int64(attentionMask) })
  if (!(vectors?.data instanceof Float32Array)) throw new Error('the teacher gave no vectors')
  return vectors.data
}
