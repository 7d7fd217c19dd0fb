/** A binary min-heap of numbers: the queue of pairs that byte-pair encoding still has to merge. */

export class MinHeap {
  readonly #keys: number[] = []

  push(key: number): void {
    const keys = this.#keys
    let index = keys.length
    keys.push(key)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = keys[parent]! // parent < index < length
      if (above <= key) break
      keys[index] = above
      index = parent
    }
    keys[index] = key
  }

  /** Removes the smallest key; undefined when there is none. */
  pop(): number | undefined {
    const keys = this.#keys
    const smallest = keys[0]
    const last = keys.pop()
    if (last !== undefined && keys.length > 0) this.#sinkFromTop(last)
    return smallest
  }

  #sinkFromTop(key: number): void {
    const keys = this.#keys
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= keys.length) break
      // Both children are below the length where they are read.
      if (child + 1 < keys.length && keys[child + 1]! < keys[child]!) child++
      const below = keys[child]!
      if (below >= key) break
      keys[index] = below
      index = child
    }
    keys[index] = key
  }
}
