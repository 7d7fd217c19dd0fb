/** Asks before the first run what a later one would fail of: layers that the base does not have. */
import type { GPT2Config } from '../../core/config.ts'
import { adaptableLayers } from '../../core/layers.ts'
import { matchTargetModules } from '../../core/lora.ts'
import type { TrainSettings } from '../../train/settings.ts'

/** @throws GraftError `usage` for target modules that match no layer */
export async function checkTargets(config: GPT2Config, { method, lora }: TrainSettings): Promise<void> {
  const names = adaptableLayers(config).map(({ name }) => name)
  if (method === 'lora') await matchTargetModules(names, lora.targetModules)
}
