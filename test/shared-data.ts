/** The real data sets beside the checkout, which are no part of the project: tests that need them are skipped without. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Path of a file of `../shared/data`. */
export const sharedData = (path: string): string => fileURLToPath(new URL(`../../shared/data/${path}`, import.meta.url))

export const hasSharedData: boolean = existsSync(sharedData('README.md'))

if (!hasSharedData) console.warn('skipped: the tests on real data, since ../shared/data is absent')
