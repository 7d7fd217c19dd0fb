/** Many adapters of one rank and shape for the quickstart's base: variations of one that it trained. */
import { scoreOf } from '../../test/fixtures/adapter.ts'
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
  const data = scoreOf(adapter).data.map((value) => value * (0.5 + random.uniform()))
  const head = new Map([['score.weight', { ...scoreOf(adapter), data }]])
  return serializeAdapter({ ...adapter, head })
}

/** The body of an upload, and what its headers say of it. */
export interface Upload {
  body: Uint8Array
  headers: Record<string, string>
}

/** An adapter folder as multipart/form-data, encoded once: the load generator shares the cores with what it measures. */
export async function encodeUpload(files: AdapterFiles<string>): Promise<Upload> {
  const form = new FormData()
  for (const [name, content] of Object.entries(files)) form.set(name, new File([content], name))
  const encoded = new Response(form)
  const type = encoded.headers.get('Content-Type') ?? ''
  return { body: new Uint8Array(await encoded.arrayBuffer()), headers: { 'Content-Type': type } }
}
