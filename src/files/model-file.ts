/** ONNX models on the disk: one file, or two where the weights lie apart. */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What follows each other in the model, and in the file of its weights; none where the model holds them. */
export interface ModelParts {
  model: readonly Uint8Array[]
  data: readonly Uint8Array[]
}

async function writeParts(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file: FileHandle = await open(path, 'w')
  try {
    for (const part of parts) await file.writeFile(part)
  } finally {
    await file.close()
  }
}

/** Writes a model part by part, so that nothing of it is copied. */
export async function writeModel(path: string, dataPath: string, { model, data }: ModelParts): Promise<void> {
  await writeParts(path, model)
  if (data.length > 0) await writeParts(dataPath, data)
}

/**
 * Gives a model to what loads it: its bytes, or, where weights lie apart, the path of a file that is removed once it is loaded.
 * @param dataFile the name that the model has for the file of its weights
 */
export async function loadModel<T>(
  parts: ModelParts,
  dataFile: string,
  load: (model: string | Uint8Array) => Promise<T>,
): Promise<T> {
  if (parts.data.length === 0) return load(Buffer.concat(parts.model))
  const dir = await mkdtemp(join(tmpdir(), 'graft-'))
  try {
    const path = join(dir, 'model.onnx')
    await writeModel(path, join(dir, dataFile), parts)
    return await load(path)
  } finally {
    // A system that keeps files which are mapped into memory keeps these until it is restarted.
    await rm(dir, { recursive: true, force: true }).catch(() => undefined)
  }
}
