/** Many adapters of one rank and shape for the quickstart's base: variations of one that it trained. */
import { join } from 'node:path'
import { type Adapter, type AdapterFiles, serializeAdapter } from '../../src/core/adapter.ts'
import { createRandom } from '../../src/core/random.ts'
import { readAdapter } from '../../src/files/adapter-folder.ts'

/** The bundle that is served, as `npm run quickstart` makes it. */
export const BUNDLE = 'models/quickstart/all-unmerged'

export const readSpamAdapter = (): Promise<Adapter> => readAdapter(join(BUNDLE, 'adapters', 'spam'))

/** The adapter with other weights in its head: another version with other answers. */
export function vary(adapter: Adapter, seed: number): AdapterFiles<string> {
  const random = createRandom(seed)
  const data = adapter.score.data.map((value) => value * (0.5 + random.uniform()))
  return serializeAdapter({ ...adapter, score: { ...adapter.score, data } })
}

/** The multipart form of an adapter folder. */
export function toForm(files: AdapterFiles<string>): FormData {
  const form = new FormData()
  for (const [name, content] of Object.entries(files)) form.set(name, new File([content], name))
  return form
}
