/** How fast the workers are of late, so that one who is turned away can be told when to come back. */

export interface Rate {
  /** A worker classified so many texts in so many seconds. */
  add(texts: number, seconds: number): void
  /** Seconds that all workers take for so many texts; 0 before the first batch. */
  secondsFor(texts: number): number
}

/** What a batch still counts when the next one has come: about the last twenty matter. */
const DECAY = 0.9

/** @param workers that take batches side by side */
export function createRate(workers: number): Rate {
  let [texts, seconds] = [0, 0]
  return {
    add(moreTexts, moreSeconds) {
      texts = DECAY * texts + moreTexts
      seconds = DECAY * seconds + moreSeconds
    },
    secondsFor: (count) => (texts === 0 ? 0 : (count * seconds) / texts / workers),
  }
}
