/** What a page and its worker say to each other: calls by name, each with its answer and its progress. */
import type { TaskNotes } from '../core/adapter/info.ts'
import type { AdapterChoice, Classification, ClassifyOptions } from '../core/classifier.ts'
import type { TaskSpec } from '../core/task.ts'
import { type ErrorCode, GraftError } from '../core/errors.ts'

/** `cpu` is WebAssembly. */
export type Device = 'cpu' | 'webgpu'

/** Of what page and worker say to each other: a library of one version and a site of another are told apart by it. */
export const PROTOCOL = 2

/** What the library asks for when a classifier is made. */
export interface OpenRequest {
  protocol: number
  /** URL of the bundle's folder, with a slash at its end. */
  bundle: string
  device: Device
  /** Threads of ONNX Runtime; more than one only where the page is cross-origin isolated. */
  threads: number
  /** Whether to download GPT-2's vocabulary before the bundle has told that its tokenizer is GPT-2's. */
  gpt2: boolean
}

/** A task of the model: an adapter, or the whole of a merged model. */
export interface TaskInfo extends TaskNotes, TaskSpec {
  /** The adapter's name; undefined if merged. */
  adapter: string | undefined
}

export interface ModelInfo {
  /** As `graft export --title --description` gave them. */
  title: string | undefined
  description: string | undefined
  /** In the order of the bundle; adapters that were added come last. */
  tasks: readonly TaskInfo[]
  /** Tokens after which texts are cut. */
  maxLength: number
  /** Where it really runs. */
  device: Device
  threads: number
  baseSha256: string
}

/** Of files that are downloaded or read from the cache. */
export interface LoadProgress {
  /** Bytes that are there. */
  loaded: number
  /** Bytes in all, once the server has answered for every file. */
  total: number | undefined
}

export interface RowProgress {
  /** Rows that are classified. */
  done: number
  total: number
}

/** A table in a file: CSV, TSV, JSON Lines or Parquet. */
export interface TableRequest {
  file: Blob
  /** The file's name, for its format and for errors. */
  name: string
}

export interface TableInfo {
  columns: string[]
  rows: number
  /** The column of the texts, where its name is a usual one. */
  text: string | undefined
}

export interface ClassifyTableRequest extends TableRequest {
  /** Column of the texts; one with a usual name by default. */
  text?: string | undefined
  /** One or more adapters; none if merged, or where there is only one. */
  adapters: readonly string[]
}

export interface LabelCount {
  label: string
  rows: number
}

export interface ClassifiedTable {
  /** The table with a label and a score added for each adapter. Cells that a spreadsheet would run are defused. */
  file: Blob
  /** A name for the file. */
  name: string
  rows: number
  /** Rows without a text, which have no label. */
  blank: number
  /** How often each label was given, the commonest first, by adapter in the order asked for. */
  counts: LabelCount[][]
}

export interface AddAdapterRequest {
  name: string
  /** `adapter_model.safetensors` alone, or with `adapter_config.json` and `graft.json`; others are passed over. */
  files: readonly File[]
}

export interface AddedAdapter extends TaskInfo {
  adapter: string
  /** What was taken for granted for lack of files, one sentence each. */
  assumptions: string[]
}

/** The calls, by name. */
export interface Calls {
  open: { request: OpenRequest; result: ModelInfo; progress: LoadProgress }
  classify: { request: { texts: readonly string[] } & ClassifyOptions; result: Classification[]; progress: never }
  logits: { request: { texts: readonly string[] } & AdapterChoice; result: Float32Array[]; progress: never }
  readTable: { request: TableRequest; result: TableInfo; progress: never }
  classifyTable: { request: ClassifyTableRequest; result: ClassifiedTable; progress: RowProgress }
  addAdapter: { request: AddAdapterRequest; result: AddedAdapter; progress: never }
}

export type CallName = keyof Calls

/** A call, or the wish to end one. */
export type ToWorker =
  | { [Name in CallName]: { id: number; call: Name; request: Calls[Name]['request'] } }[CallName]
  | { id: number; call: 'cancel' }

/** An error as it crosses to the page, where classes are lost. */
export interface Failure {
  code: ErrorCode
  message: string
  hint: string
}

export type FromWorker =
  | { id: number; type: 'progress'; progress: Calls[CallName]['progress'] }
  | { id: number; type: 'done'; result: Calls[CallName]['result'] }
  | { id: number; type: 'failed'; failure: Failure }

export function toFailure(error: unknown): Failure {
  if (error instanceof GraftError) return { code: error.code, message: error.message, hint: error.hint }
  return { code: 'runtime', message: String(error), hint: 'Reload the page. If it happens again, report it.' }
}

export const fromFailure = ({ code, message, hint }: Failure): GraftError => new GraftError(code, message, { hint })
