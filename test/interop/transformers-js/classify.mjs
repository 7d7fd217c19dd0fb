/**
 * Classifies the texts of merged bundles with transformers.js.
 *
 *     node classify.mjs FOLDER...    bundles with texts.json; prints a JSON object a line: what was compared, and whether it is alike
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AutoTokenizer, PreTrainedModel, TextClassificationPipeline, env, pipeline } from '@huggingface/transformers'

env.allowRemoteModels = false

const TOLERANCE = 1e-4
const task = 'text-classification'

const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'))

/** As everybody opens one; for families that have no class for the task there, the pipeline is put together. */
async function open(folder) {
  try {
    return { classify: await pipeline(task, folder, { dtype: 'fp32' }), how: `pipeline('${task}')` }
  } catch (error) {
    if (!/Unsupported model type/.test(error.message)) throw error
    const [tokenizer, model] = [
      await AutoTokenizer.from_pretrained(folder),
      await PreTrainedModel.from_pretrained(folder, { dtype: 'fp32' }),
    ]
    const classify = new TextClassificationPipeline({ task, tokenizer, model })
    return { classify, how: `TextClassificationPipeline (${error.message})` }
  }
}

function probabilities(logits) {
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

/** The largest difference of a score; infinite for another label. */
function difference(answers, logits, id2label) {
  const expected = new Map(probabilities(logits).map((score, id) => [id2label[id], score]))
  if (expected.get(answers[0].label) < Math.max(...expected.values()) - TOLERANCE) return Infinity
  return Math.max(...answers.map(({ label, score }) => Math.abs(score - (expected.get(label) ?? NaN))))
}

async function compare(folder) {
  const { classify, how } = await open(folder)
  const rows = readJson(folder, 'texts.json')
  // transformers.js cuts a text's closing special token off, where transformers keeps it.
  const fits = ({ text }) => classify.tokenizer(text).input_ids.dims.at(-1) <= classify.tokenizer.model_max_length
  const short = rows.filter(fits)
  const answers = await classify(
    short.map(({ text }) => text),
    { top_k: 100 },
  )
  const { id2label } = readJson(folder, 'config.json')
  const largest = Math.max(...answers.map((each, at) => difference(each, short[at].logits, id2label)))
  await classify.dispose()
  const detail = `${short.length} texts, max difference of a score ${largest.toExponential(1)}, by ${how}`
  return {
    ok: largest < TOLERANCE,
    detail: short.length < rows.length ? `${detail}; ${rows.length - short.length} left out: it is cut` : detail,
  }
}

for (const folder of process.argv.slice(2)) {
  const name = `${folder.split('/').slice(-3).join('/')} in transformers.js`
  const result = await compare(folder).catch((error) => ({ ok: false, detail: error.message }))
  console.log(JSON.stringify({ name, ...result }))
}
