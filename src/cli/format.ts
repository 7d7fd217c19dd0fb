/** Numbers as commands print them. */

/** A share of 1 in per cent. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** A count with thousands separated. */
export const count = (value: number): string => value.toLocaleString('en-US')
