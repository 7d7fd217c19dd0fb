/** Pieces of the report's page. */

/** Text as HTML: labels, texts and settings are the user's. */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

export const percent = (share: number): string => `${(100 * share).toFixed(1)}%`

/** A table's cell with a number. */
export const number = (text: string): string => `<td class="number">${text}</td>`
