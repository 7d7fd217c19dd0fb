/** What an adapter is by its content, whatever folder it lies in. */
import { taskFields } from '../task.ts'
import type { Adapter } from '../adapter.ts'
import { decisiveSettings } from './config.ts'

/**
 * What decides an adapter's answers, as one text, whose hash is the adapter's version: its weights, its configuration, its
 * labels, its base, and the tokens after which texts are cut. Where it was trained and how well it did make no difference.
 * @param weightsSha256 SHA-256 of its `adapter_model.safetensors`
 * @example
 * const version = sha256(adapterIdentity(adapter, sha256(files['adapter_model.safetensors'])))
 */
export function adapterIdentity({ config, info }: Pick<Adapter, 'config' | 'info'>, weightsSha256: string): string {
  const { labels, baseSha256, maxLength } = info
  const decisive = { weightsSha256, config: decisiveSettings(config), labels, baseSha256, maxLength }
  return JSON.stringify({ ...decisive, ...taskFields(info) })
}
