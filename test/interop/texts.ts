/** Every text of the shared data sets, for comparing token ids. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sharedData } from '../shared-data.ts'

/** Long texts are cut into lines, which is where the data's own rows end. */
export function sharedTexts(): string[] {
  const root = sharedData('.')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(csv|tsv|txt)$|SMSSpamCollection$/.test(name),
  )
  const texts = files
    .filter((name) => !name.startsWith('hf-gpt2-tokenizer'))
    .flatMap((name) => readFileSync(join(root, name), 'utf8').split('\n'))
  return [...new Set(texts)]
}
