/**
 * Composite ops: one kernel on a backend that has it (the compiler's fused ONNX operators), plain TF.js ops on every
 * other, and a gradient of their own on both. Ops called inside a kernel are not recorded for differentiation, so the
 * fallback costs no memory for intermediate results.
 */
import * as tf from '@tensorflow/tfjs'

export interface CompositeOp<Inputs extends tf.NamedTensorMap, Attributes extends object> {
  /** The kernel's name: the ONNX operator's, where there is one. */
  name: string
  /** Inputs that the gradient needs. */
  inputsToSave?: (keyof Inputs & string)[]
  /** Which outputs the gradient needs. */
  outputsToSave?: boolean[]
  /** The same in plain TF.js ops. */
  forward(inputs: Inputs, attributes: Attributes): tf.Tensor | tf.Tensor[]
  /**
   * Gradients by input name.
   * @param dy gradient of the first output
   * @param saved inputs, then outputs, as asked for above
   */
  gradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: Attributes): Record<string, () => tf.Tensor>
}

/** Makes a composite op callable; it returns its first output. */
export function composite<Inputs extends tf.NamedTensorMap, Attributes extends object>(
  op: CompositeOp<Inputs, Attributes>,
): (inputs: Inputs, attributes: Attributes) => tf.Tensor {
  tf.registerGradient({
    kernelName: op.name,
    inputsToSave: op.inputsToSave ?? [],
    outputsToSave: op.outputsToSave ?? [],
    gradFunc: (dy, saved, attributes) => {
      const [first] = [dy].flat()
      if (!first) throw new Error(`${op.name} has no output`)
      // Registered and called with the same attributes; TF.js types them by their common supertype.
      return op.gradient(first, saved, attributes as Attributes)
    },
  })
  return (inputs, attributes) => {
    registerFallback(op)
    const outputs: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(op.name, inputs, attributes as tf.NamedAttrMap)
    const [first] = [outputs].flat()
    if (!first) throw new Error(`${op.name} has no output`)
    return first
  }
}

function registerFallback<Inputs extends tf.NamedTensorMap, Attributes extends object>(
  op: CompositeOp<Inputs, Attributes>,
) {
  const backendName = tf.getBackend()
  if (tf.getKernel(op.name, backendName)) return
  tf.registerKernel({
    kernelName: op.name,
    backendName,
    // Kernels are called with the tensors that the op was called with.
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => op.forward(inputs as unknown as Inputs, attrs as Attributes)),
  })
}
