/** What a teacher says of texts, against transformers' states, mean pooled: of every kind of family, and of real weights. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTeacher } from '../../../src/train/distill/teacher.ts'
import { writeFamilyBase } from './our-families.ts'
import { type Python, reportLines } from './python.ts'

const TEXTS = [
  'WINNER! Claim your free prize now: call 0800 123 456',
  'see you at lunch?',
  'I',
  'The film, for all its noise and light, is a quiet thing about two people who wait for a train that does not come.',
  'naïve café – 12 £, 😀',
]

const MAX_LENGTH = 32

/** @param bases folders by name */
export async function checkTeachers(python: Python, bases: ReadonlyMap<string, string>, work: string): Promise<void> {
  mkdirSync(work)
  const folders = new Map(bases)
  for (const family of ['bert', 'distilbert', 'roberta', 'gpt2', 'llama', 'qwen3']) {
    const { dir } = await writeFamilyBase(family, join(work, family))
    folders.set(family, dir)
  }
  for (const [name, dir] of folders) {
    const teacher = await openTeacher(dir, { maxLength: MAX_LENGTH })
    const vectors = await teacher.vectorsOf(TEXTS).finally(teacher.dispose)
    const rows = TEXTS.map((text, at) => ({
      text,
      vector: [...vectors.subarray(at * teacher.width, (at + 1) * teacher.width)],
    }))
    writeFileSync(join(work, 'vectors.json'), JSON.stringify(rows))
    reportLines(python('teacher.py', [name, dir, join(work, 'vectors.json'), String(MAX_LENGTH)]))
  }
}
