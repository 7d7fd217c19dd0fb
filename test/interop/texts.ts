/** Texts to compare answers and token ids of. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sharedData } from '../shared-data.ts'

/** Every text of the shared data sets. Long texts are cut into lines, which is where the data's own rows end. */
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

/** Short, long, and of other scripts. */
export const TEXTS = [
  'ok',
  'Free entry in 2 a wkly comp to win FA Cup tickets!',
  'Grüße aus 東京 🎉',
  'see you at six',
  ' ',
  'a b c '.repeat(40),
]
