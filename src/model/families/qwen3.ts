/** Qwen3 (Yang et al. 2025) as TF.js functions over named parameters. */
import { qwen3 as family } from '../../core/families/qwen3.ts'
import { decoder } from './decoder.ts'

export const qwen3 = decoder(family)
