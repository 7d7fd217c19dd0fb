/** Qwen2 (Yang et al. 2024) as TF.js functions over named parameters. */
import { qwen2 as family } from '../../core/families/qwen2.ts'
import { decoder } from './decoder.ts'

export const qwen2 = decoder(family)
