/** Places in a model's stack of adapters, counted by use: one is filled anew only when nothing refers to it any more. */
import type { TensorMap } from '../core/tensors.ts'

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

/** @param onFill tells the workers, before anything can refer to the slot */
export function createSlots(capacity: number, onFill: (slot: number, tensors: TensorMap) => void): Slots {
  const free = Array.from({ length: capacity }, (_, slot) => slot)
  const references = new Map<number, number>()
  const contents = new Map<number, TensorMap>()
  const waiting: ((slot: number) => void)[] = []

  async function fill(tensors: TensorMap): Promise<number> {
    const slot = free.shift() ?? (await new Promise<number>((resolve) => waiting.push(resolve)))
    references.set(slot, 1)
    contents.set(slot, tensors)
    onFill(slot, tensors)
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
