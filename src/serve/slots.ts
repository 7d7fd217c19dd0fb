/** Places in a model's stack of adapters, counted by use: one is filled anew only when nothing refers to it any more. */

export interface Slots {
  /** The memory of the slots that are in use. */
  readonly contents: ReadonlyMap<number, Float32Array>
  /**
   * Has a free slot's memory written, as soon as there is one, and refers to it. Where that fails, it is free again.
   * @returns the slot, and what writing gave
   */
  fill<T>(write: (memory: Float32Array) => Promise<T>): Promise<[slot: number, result: T]>
  /** Refers to a slot that is in use. */
  retain(slot: number): void
  /** Ends one reference; the last one frees the slot. */
  release(slot: number): void
}

export interface SlotsOptions {
  capacity: number
  /** Elements of one slot. */
  size: number
  /** Tells the workers, before anything can refer to the slot. */
  onFill(slot: number, memory: Float32Array): void
}

export function createSlots({ capacity, size, onFill }: SlotsOptions): Slots {
  const free = Array.from({ length: capacity }, (_, slot) => slot)
  const references = new Map<number, number>()
  const contents = new Map<number, Float32Array>()
  /**
   * Each slot's memory, for good: what workers were given is freed only when all of them have collected their garbage,
   * which takes them many loads. One that has not read the old content yet is told of the new one before it is used.
   */
  const memories = new Map<number, Float32Array>()
  const waiting: ((slot: number) => void)[] = []

  function memoryOf(slot: number): Float32Array {
    const memory = memories.get(slot) ?? new Float32Array(new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT))
    memories.set(slot, memory)
    return memory
  }

  async function fill<T>(write: (memory: Float32Array) => Promise<T>): Promise<[number, T]> {
    const slot = free.shift() ?? (await new Promise<number>((resolve) => waiting.push(resolve)))
    references.set(slot, 1)
    const memory = memoryOf(slot)
    const result = await write(memory).catch((error: unknown) => {
      release(slot)
      throw error
    })
    contents.set(slot, memory)
    onFill(slot, memory)
    return [slot, result]
  }

  function retain(slot: number): void {
    references.set(slot, (references.get(slot) ?? 0) + 1)
  }

  function release(slot: number): void {
    const left = (references.get(slot) ?? 0) - 1
    if (left > 0) references.set(slot, left)
    else {
      references.delete(slot)
      contents.delete(slot)
      const next = waiting.shift()
      if (next) next(slot)
      else free.push(slot)
    }
  }

  return { contents, fill, retain, release }
}
