/** Mistral (Jiang et al. 2023) as TF.js functions over named parameters. */
import { mistral as family } from '../../core/families/mistral.ts'
import { decoder } from './decoder.ts'

export const mistral = decoder(family)
