// Classifies what is typed, in the visitor's browser. `site` is the folder that `graft web` wrote.
import { createClassifier } from './site/graft.js'

const [input, output] = [document.querySelector('input'), document.querySelector('output')]
const onProgress = ({ loaded }) => (output.textContent = `${(loaded / 1e6).toFixed(1)} MB`)

try {
  const classifier = await createClassifier('site', { onProgress })
  const [adapter] = classifier.adapters
  const classify = async () => {
    const [{ label, score }] = await classifier.classify([input.value], { adapter })
    output.textContent = `${label} (${score.toFixed(2)})`
  }
  input.addEventListener('input', classify)
  output.textContent = classifier.labels(adapter).join(' or ')
} catch ({ message, hint }) {
  output.textContent = `${message}. ${hint}`
}
