/** Asks before the first run what a later one would fail of: layers that the base does not have. */
import type { ModelConfig } from '../../core/family.ts'
import { adaptableLayers } from '../../core/layers.ts'
import { matchTargetModules } from '../../core/lora.ts'
import type { TrainSettings } from '../../train/settings.ts'

/** @throws GraftError `usage` for target modules that match no layer */
export async function checkTargets(config: ModelConfig, { method, lora }: TrainSettings): Promise<void> {
  if (method === 'lora') await matchTargetModules(adaptableLayers(config), lora.targetModules)
}
