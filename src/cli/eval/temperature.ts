/** The temperature that training divided a model's logits by, as its `graft.json` says. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../files/read.ts'

const temperature = z.number().positive().optional()
const description = z.object({ temperature, metrics: z.object({ temperature }).optional() })

/**
 * @param adapter a folder in an unmerged bundle
 * @returns nothing for a model of which it is not known
 */
export async function readTemperature(model: string, adapter: string | undefined): Promise<number | undefined> {
  const file = adapter === undefined ? join(model, 'graft.json') : join(model, 'adapters', adapter, 'graft.json')
  if (!existsSync(file)) return undefined
  const { data } = description.safeParse(await readJson(file, 'Give a folder that Graft wrote.'))
  return data?.temperature ?? data?.metrics?.temperature
}
