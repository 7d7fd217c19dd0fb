/** Asks a server that `graft serve` runs, with Hono's typed client: a wrong field is an error when this is compiled. */
import { hc } from 'hono/client'
// Where Graft is installed as a package: import type { App } from 'graft-lora/serve'
import type { App } from '../../src/serve/index.ts'

const [url = 'http://127.0.0.1:8080', adapter = 'spam', ...texts] = process.argv.slice(2)
const key = process.env.GRAFT_API_KEY
const client = hc<App>(url, { headers: key ? { Authorization: `Bearer ${key}` } : {} })

const inputs = texts.length > 0 ? texts : ['You have won a free prize! Call now to claim.', 'See you at the station.']
const response = await client.v1.classify.$post({ json: { inputs, adapter } })
if (response.status !== 200) {
  const { code, detail, hint } = await response.json()
  throw new Error(`${code}: ${detail}. ${hint ?? ''}`)
}
const { results } = await response.json()
for (const [at, { label, score }] of results.entries()) console.log(`${label} (${score.toFixed(2)}): ${inputs[at]}`)
