/** Settings in the words that people read: names with spaces, lists with commas. */

/** `maxGradientNorm` → `max gradient norm`. */
export const settingWords = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** `maxGradientNorm` → `--max-gradient-norm`. */
export const settingFlag = (name: string): string => `--${settingWords(name).replaceAll(' ', '-')}`

/** A value as it is shown. */
export const valueWords = (value: string | number | readonly string[]): string | number =>
  typeof value === 'string' || typeof value === 'number' ? value : value.join(', ')
