/** Places in a model's stack of adapters, counted by use: one is filled anew only when nothing refers to it any more. */
import type { TensorData, TensorMap } from '../core/tensors.ts'

export interface Slots {
  /** What is in the slots that are in use. */
  readonly contents: ReadonlyMap<number, TensorMap>
  /** Fills a free slot, as soon as there is one, and refers to it. */
  fill(tensors: TensorMap): Promise<number>
  /** Refers to a slot that is in use. */
  retain(slot: number): void
  /** Ends one reference; the last one frees the slot. */
  release(slot: number): void
}

/** A tensor's copy in memory that threads share. */
function share({ shape, data }: TensorData): TensorData {
  const shared = new Float32Array(new SharedArrayBuffer(data.byteLength))
  shared.set(data)
  return { shape, data: shared }
}

/** @param onFill tells the workers, before anything can refer to the slot */
export function createSlots(capacity: number, onFill: (slot: number, tensors: TensorMap) => void): Slots {
  const free = Array.from({ length: capacity }, (_, slot) => slot)
  const references = new Map<number, number>()
  const contents = new Map<number, TensorMap>()
  /**
   * Each slot's memory, for good: what workers were given is freed only when all of them have collected their garbage,
   * which takes them many loads. One that has not read the old content yet is told of the new one before it is used.
   */
  const memory = new Map<number, TensorMap>()
  const waiting: ((slot: number) => void)[] = []

  function write(slot: number, tensors: TensorMap): TensorMap {
    const shared = memory.get(slot)
    if (!shared) {
      const first = new Map(Array.from(tensors, ([name, tensor]) => [name, share(tensor)]))
      memory.set(slot, first)
      return first
    }
    for (const [name, { data }] of tensors) shared.get(name)?.data.set(data)
    return shared
  }

  async function fill(tensors: TensorMap): Promise<number> {
    const slot = free.shift() ?? (await new Promise<number>((resolve) => waiting.push(resolve)))
    references.set(slot, 1)
    const shared = write(slot, tensors)
    contents.set(slot, shared)
    onFill(slot, shared)
    return slot
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
