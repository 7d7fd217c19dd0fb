/** Backends of TF.js that are not there, and what TF.js' own package lacks on new Nodes. */
import { describe, expect, it } from 'vitest'
import type { EagerDevice } from '../../../src/core/devices.ts'
import { openBackend, restoreUtil } from '../../../src/train/engine/backends.ts'
import { missingPackage } from '../../../src/train/engine/packages.ts'

describe('a backend whose package is not installed', () => {
  it.each<[EagerDevice]>([['tfjs-node'], ['tfjs-node-gpu']])('is an error that names it: %s', async (device) => {
    const name = `@tensorflow/${device}`
    if (missingPackage(device) === undefined) return // as after test/engines/tfjs-node.sh
    await expect(openBackend(device)).rejects.toMatchObject({
      code: 'device',
      message: `device ${device} does not work here: the package ${name} is not installed`,
      hint: expect.stringContaining(`\`npm install ${name}@4.22.0 `) as string,
    })
  })
})

describe('restoreUtil', () => {
  it('gives back what Node 23 removed, and leaves what is there', () => {
    const isArray = () => false
    const util: Record<string, (value: unknown) => boolean> = { isArray }
    restoreUtil(util)
    expect(util['isArray']).toBe(isArray)
    expect([null, undefined, 0, ''].map((value) => util['isNullOrUndefined']?.(value))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})
