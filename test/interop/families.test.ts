/** Models of every family as transformers wrote them, and PEFT's adapters for them: Graft's graphs give the same logits. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/core/families.ts'
import { parameterShapes } from '../../src/core/layers.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { readJsonFile } from './compare.ts'
import { familyAdapterDifferences, familyAdapters, familyDifferences, familyFolders, importFamily } from './families.ts'
import { golden } from './ours.ts'

const families = join(golden, 'families')
const folders = familyFolders(families)

const TOLERANCE = 1e-4

let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-families-'))))
afterAll(() => rm(dir, { recursive: true }))

/** Batches whose logits are others. */
const differing = (found: Record<string, number> = {}) =>
  Object.entries(found).filter(([, difference]) => !(difference <= TOLERANCE))

describe('a model that transformers wrote', () => {
  it.each(folders)("gives transformers' logits: %s", async (name) => {
    expect(differing((await familyDifferences(families, name, dir)).merged)).toEqual([])
  })
})

describe('an adapter that PEFT wrote', () => {
  it.each(familyAdapters(families))("gives PEFT's logits, merged and unmerged: %s", async (path) => {
    const { merged, unmerged } = await familyAdapterDifferences(families, path, dir)
    expect(differing(merged)).toEqual([])
    // What replaces the base's tensors whole is for merged graphs only.
    expect(unmerged === undefined).toBe(path.endsWith('pooler-saved-whole'))
    expect(differing(unmerged)).toEqual([])
  })
})

describe('a configuration', () => {
  it.each(folders)('names every tensor of the checkpoint: %s', async (name) => {
    const { config, weights } = await readBase(await importFamily(families, name, dir))
    const labels = Object.keys(config.id2label ?? {}).length
    expect([...weights.keys()].toSorted()).toEqual([...parameterShapes(config, labels).keys()].toSorted())
  })

  const refused = readJsonFile<{ name: string; config: unknown; why: string }[]>(join(families, 'refused.json'))
  it.each(refused.map(({ name, config, why }) => [name, why, config] as const))(
    'that asks for what is not built is refused by name: %s, %s',
    (_, why, config) => {
      expect(() => parseConfig(config, 'config.json')).toThrow(
        expect.objectContaining({ code: 'config', message: expect.stringContaining(why) }),
      )
    },
  )
})
