import { createClassifier } from '../index.ts'
const out = document.querySelector('#out')!
const started = performance.now()
createClassifier('./', { onProgress: (p) => (out.textContent = JSON.stringify(p)) }).then(async (c) => {
  const r = await c.classify(['Win a free prize'], { adapter: c.adapters[0] })
  out.textContent = JSON.stringify([performance.now() - started, c.model, r])
}).catch((e) => (out.textContent = `failed ${e} ${e.hint}`))
