/** SMS messages to classify: real ones where shared data lies beside the checkout, else this project's own. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'

const REAL = '../shared/data/sms-spam/SMSSpamCollection'
const OWN = 'examples/data/spam.csv'

/** @param file a text a line, behind its label and a tab; or CSV with a column `text` */
export async function readTexts(file = existsSync(REAL) ? REAL : OWN): Promise<{ file: string; texts: string[] }> {
  const content = await readFile(file, 'utf8')
  const texts = file.endsWith('.csv')
    ? parse<{ text: string }>(content, { columns: true }).map(({ text }) => text)
    : content.split('\n').flatMap((line) => line.split('\t').slice(1))
  return { file, texts: texts.filter((text) => text.trim() !== '') }
}
