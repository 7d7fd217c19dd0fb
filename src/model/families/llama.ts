/** Llama (Touvron et al. 2023) as TF.js functions over named parameters. */
import { llama as family } from '../../core/families/llama.ts'
import { decoder } from './decoder.ts'

export const llama = decoder(family)
