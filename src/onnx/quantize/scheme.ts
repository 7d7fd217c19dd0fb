/** What a way of keeping weights in fewer bits is: how a graph multiplies by such a weight, and looks its rows up. */
import type { Graph, Value } from '../graph.ts'

/** A named constant matrix, row-major, and whether its transpose is meant. */
export interface Weight {
  name: string
  data: Float32Array
  rows: number
  columns: number
  transposed: boolean
}

export interface SchemeContext {
  graph: Graph
  /** The constants that stand for a weight: made once, by a name of their own. */
  parts(name: string, make: () => Value[]): Value[]
}

export interface SchemeRules {
  /**
   * x · W + addend
   * @param x [n, in]
   * @param addend a bias [out], or of the result's shape
   */
  product(context: SchemeContext, x: Value, weight: Weight, addend: Value | null): Value
  /**
   * Rows of W.
   * @param ids int64 of any shape
   * @returns [...ids, columns]
   */
  rows(context: SchemeContext, ids: Value, weight: Weight): Value
}

/** Sizes of W, or of its transpose where that is meant: [in, out]. */
export const sizesOf = ({ rows, columns, transposed }: Weight): [number, number] =>
  transposed ? [columns, rows] : [rows, columns]

/** Steps through the data from one row of W, or of its transpose, to the next, and from one column to the next. */
export const stepsOf = ({ columns, transposed }: Weight): [number, number] => (transposed ? [1, columns] : [columns, 1])

/** Of the constants that stand for a weight; its transpose has its own. */
export const nameOf = ({ name, transposed }: Weight): string => (transposed ? `${name}.transposed` : name)

/** Adds what a product could not take itself. */
export const plus = (graph: Graph, product: Value, addend: Value | null): Value =>
  addend ? graph.op('Add', [addend, product]) : product
