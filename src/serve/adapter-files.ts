/** Limits of an adapter's files, checked before anything reads them: a few bytes too many for a parser cost seconds of a thread. */
import type { AdapterFiles } from '../core/adapter.ts'
import { fault, headerEnd } from '../core/safetensors/header.ts'
import { parseJson } from './json.ts'

/** Rank 64 on every layer of GPT-2 XL is 315 MB, on GPT-2 small 38 MB. */
export const MAX_WEIGHTS_BYTES = 512 * 2 ** 20

/** Of `adapter_config.json` and `graft.json`, which have some kilobytes. */
export const MAX_JSON_BYTES = 256 * 2 ** 10

/** Of the weights' header: GPT-2 XL with an adapter on every layer has 54 kB. */
const MAX_HEADER_BYTES = 2 ** 20

/** An adapter's JSON nests two or three levels deep. */
const LIMITS = { depth: 16, items: 10_000 }

export const parseAdapterJson = (bytes: Uint8Array) => parseJson(bytes, LIMITS)

/** @throws GraftError `safetensors` for a header that is larger than an adapter's can be */
export function checkWeightsHeader(files: AdapterFiles, file: string): void {
  const bytes = files['adapter_model.safetensors']
  const end = headerEnd(bytes, file, bytes.length)
  if (end > MAX_HEADER_BYTES)
    throw fault(file, `a header of ${end} bytes is over the server's limit of ${MAX_HEADER_BYTES}`)
}
