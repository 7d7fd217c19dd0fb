/** Where a model or an adapter comes from: a folder on the disk, or a repository of the Hugging Face Hub. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GraftError } from '../../core/errors.ts'
import { readError } from '../read.ts'

export interface Source {
  /** The folder, or the repository's id. */
  name: string
  /** Commit of the repository. */
  revision?: string | undefined
  /** Names of the files that are there. */
  names: ReadonlySet<string>
  /**
   * The path of one of them on the disk, downloaded first where need be.
   * @throws GraftError `network`, `checksum`
   */
  fetch(name: string): Promise<string>
}

/** Weights that are Python objects, and so can hold code. */
export const isPickle = (name: string): boolean => /\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(name)

/**
 * The error for a file of pickled weights.
 * @param command Python that writes the same as safetensors
 */
export function pickleError(file: string, command: string): GraftError {
  return new GraftError(
    'file-format',
    `${file} is a pickle, which is a program that makes objects: reading one from others can run any code`,
    { hint: `Convert it where you trust it: python -c "${command}", then import what that wrote.`, file },
  )
}

/**
 * A folder.
 * @throws GraftError `file-not-found`, `file-read`, `file-format`
 */
export async function openFolder(dir: string): Promise<Source> {
  const entry = await stat(dir).catch((error: unknown) => {
    throw readError(error, dir)
  })
  if (!entry.isDirectory()) {
    if (isPickle(dir)) throw pickleError(dir, convertModel('AutoModel', 'FOLDER', 'CONVERTED'))
    throw new GraftError('file-format', `${dir} is a file, not the folder of a model`, {
      hint: 'Give the folder that holds config.json and the weights, or adapter_config.json and its weights.',
      file: dir,
    })
  }
  return { name: dir, names: new Set(await readdir(dir)), fetch: (name) => Promise.resolve(join(dir, name)) }
}

/** Python that reads a model by a class of transformers and writes it as safetensors. */
export const convertModel = (modelClass: string, from: string, to: string): string =>
  `from transformers import ${modelClass} as M; M.from_pretrained('${from}').save_pretrained('${to}')`
