/** What a bundle says about itself to people: title, description and examples, of the whole and of each task. */
import type { TaskNotes } from '../core/adapter/info.ts'
import { GraftError } from '../core/errors.ts'
import type { KindFields } from './plan.ts'

/** A line on what a task tells apart, and texts to try it with. */
export type TaskAbout = Pick<TaskNotes, 'description' | 'examples'>

export interface BundleAbout extends TaskAbout {
  /** Heading of the page that `graft web` makes. */
  title?: string | undefined
  /** By adapter (unmerged only), in place of what its own `graft.json` says. */
  adapters?: ReadonlyMap<string, TaskAbout> | undefined
}

/**
 * Adds to a bundle's fields what is said about it. Examples of the whole are for the adapters that have none of their own.
 * @throws GraftError `usage` for an adapter that is not there
 */
export function describeBundle(fields: KindFields, about: BundleAbout = {}): KindFields & { title?: string } {
  const { title, description, examples, adapters = new Map() } = about
  const names = fields.kind === 'merged' ? [] : fields.adapters.map(({ name }) => name)
  const unknown = [...adapters.keys()].find((name) => !names.includes(name))
  if (unknown !== undefined) throw noSuchAdapter(unknown, names)
  const whole = { ...(title !== undefined && { title }), ...(description !== undefined && { description }) }
  if (fields.kind === 'merged') return { ...fields, ...whole, ...(examples && { examples }) }
  return {
    ...fields,
    ...whole,
    adapters: fields.adapters.map((adapter) => ({
      ...(examples && { examples }),
      ...adapter,
      ...adapters.get(adapter.name),
    })),
  }
}

const noSuchAdapter = (name: string, names: readonly string[]) =>
  new GraftError(
    'usage',
    names.length === 0
      ? `"${name}=…" names an adapter, and a merged bundle has none`
      : `"${name}=…" names no adapter of this bundle; there are ${names.join(', ')}`,
    { hint: 'Give the text alone for the whole bundle, or NAME=TEXT for one of its adapters.', value: name },
  )
