/** One finding of `graft doctor`. */
export interface Check {
  /** What was looked at: `CPU`. */
  name: string
  /**
   * `ok`: there, and enough. `missing`: training on the CPU does not work without it. `optional`: not there, and
   * only needed for more speed.
   */
  status: 'ok' | 'missing' | 'optional'
  /** What was found, for people. */
  found: string
  /** What to do about it, where something lacks. */
  advice?: string
}
