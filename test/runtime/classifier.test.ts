/** Classification with bundles in Node. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { GraftError, type Classifier, openBundle } from '../../src/index.ts'
import { type Call, classifierSuite } from '../core/classifier.suite.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'

let fixture: Fixture
const opened: Classifier[] = []

beforeAll(async () => {
  fixture = await writeFixture()
  const { dir, base, adapters } = fixture
  const probes = ['ok']
  const sources = Object.values(adapters).map((each) => ({ dir: each }))
  await exportBundle({ base, adapters: sources, mode: 'unmerged', dir: join(dir, 'unmerged'), probes })
  await exportBundle({ base, adapters: [{ dir: adapters.topic }], mode: 'merged', dir: join(dir, 'merged'), probes })
})

afterAll(async () => {
  for (const classifier of opened) await classifier.close()
  await rm(fixture.dir, { recursive: true })
})

const openCall = async (bundle: string): Promise<Call> => {
  const classifier = await openBundle(join(fixture.dir, bundle), { threads: 1 })
  opened.push(classifier)
  return async (method, ...args) => {
    const member: unknown = classifier[method]
    return typeof member === 'function' ? member.apply(classifier, args) : member
  }
}

describe('a classifier in Node', () => {
  classifierSuite(openCall)
})

describe('openBundle', () => {
  it('refuses a folder that is no bundle', async () => {
    await expect(openBundle(fixture.base)).rejects.toBeInstanceOf(GraftError)
    await expect(openBundle(fixture.base)).rejects.toMatchObject({ code: 'file-not-found' })
  })

  it('gives a classifier that closes itself at the end of its block', async () => {
    const classifier = await openBundle(join(fixture.dir, 'merged'), { threads: 1 })
    {
      await using same = classifier
      expect((await same.classify('ok')).scores).toHaveLength(4)
    }
    await expect(classifier.classify('ok')).rejects.toThrow(/session|released|disposed/i)
  })
})
