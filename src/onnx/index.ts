/** The TensorFlow.js → ONNX compiler, usable on its own: `trace(fn, inputs)` → graph → `toOnnx(graph)`. */
export { type ErrorCode, GraftError } from '../core/errors.ts'
export { type InputSpec, type TracedFunction, type TraceOptions, trace } from './trace.ts'
export { type Graph, type Node, type Value } from './graph.ts'
export { printGraph } from './print.ts'
export { checkGraph } from './check.ts'
export { type QuantizeResult, type Scheme, type WeightUse, quantize } from './quantize.ts'
export { OPSET, type OnnxParts, toOnnx, toOnnxParts } from './proto.ts'
