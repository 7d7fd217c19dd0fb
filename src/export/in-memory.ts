/** A classifier on a graph that is in memory, as the written bundle's would be. */
import { graphDataFile } from '../core/bundle.ts'
import { loadModel } from '../files/model-file.ts'
import { type Graph, toOnnxParts } from '../onnx/index.ts'
import { type Classifier, type ClassifierOptions, createClassifier } from '../runtime/classifier.ts'
import type { Plan } from './plan.ts'

type Options = Pick<ClassifierOptions, 'threads' | 'device'>

/** @throws GraftError `device` where ONNX Runtime has no such device here */
export function openGraph(
  graph: Graph,
  { config, model, tokenizer }: Pick<Plan, 'config' | 'model' | 'tokenizer'>,
  options: Options = {},
): Promise<Classifier> {
  const parts = toOnnxParts(graph, { name: 'classifier', dataFile: graphDataFile })
  return loadModel(parts, graphDataFile, (loaded) =>
    createClassifier({ graph: loaded, config, model, tokenizer, ...options }),
  )
}
