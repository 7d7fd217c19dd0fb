/** RoBERTa (Liu et al. 2019): BERT with positions from the padding token's id on, and a head of two layers. */
import * as z from 'zod/mini'
import type { ModelConfig, ModelDescription, ModelFamily } from '../family.ts'
import { type BertConfig, bertFields, bertFieldsOf, encoderOf, identityOf, parseBert } from './bert.ts'
import { bertNames, dense, encoderParameters, renameNorm } from './encoder.ts'

export const NAMES = bertNames('roberta.')

/** The padding token, whose place is that of all padding; a text's own places follow it. */
export const padOf = (config: ModelConfig): number => config.pad_token_id ?? 1

function describe(checked: ModelConfig): ModelDescription {
  const config = checked as BertConfig
  const { hidden_size: width, initializer_range: deviation } = config
  const encoder = encoderOf(config, NAMES)
  return {
    config,
    sizes: { ...encoder.sizes, positions: config.max_position_embeddings - padOf(config) - 1 },
    padTokenId: padOf(config),
    parameters: encoderParameters(encoder, deviation),
    head: (labels) => [
      ...dense('classifier.dense', [width, width], deviation),
      ...dense('classifier.out_proj', [width, labels], deviation, { perLabel: true }),
    ],
    identity: identityOf(config),
    usesDropout: config.hidden_dropout_prob > 0 || (config.classifier_dropout ?? 0) > 0,
  }
}

/** The family under one of its names. */
function family(modelType: string, classPrefix: string): ModelFamily {
  const schema = z.looseObject({ ...bertFields, model_type: z.literal(modelType) })
  return {
    modelType,
    classes: { bare: `${classPrefix}Model`, classifier: `${classPrefix}ForSequenceClassification` },
    prefix: 'roberta.',
    outside: ['classifier', 'lm_head'],
    headModules: ['classifier'],
    // A buffer that older versions wrote, a pooler that classification does without, and the language model's head.
    isDerived: (name) => name === 'roberta.embeddings.position_ids' || /^(roberta\.pooler|lm_head)\./.test(name),
    rename: renameNorm,
    fieldsOf: (sizes) => ({
      ...bertFieldsOf({ ...sizes, positions: sizes.positions + 2 }),
      pad_token_id: 1,
      type_vocab_size: 1,
      layer_norm_eps: 1e-5,
    }),
    parse: (json, file) => parseBert(schema, json, { file, kind: `a ${classPrefix} configuration` }),
    describe,
  }
}

export const roberta = family('roberta', 'Roberta')
/** XLM-R (Conneau et al. 2020): RoBERTa on a hundred languages. */
export const xlmRoberta = family('xlm-roberta', 'XLMRoberta')
