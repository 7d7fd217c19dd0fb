/** An adapter as a bundle's model takes it; loaded by need, since merged bundles have none. */
import { type Adapter, type AdapterFiles, parseAdapter } from '../../core/adapter.ts'
import { type BaseIdentity, checkAdapter } from '../../core/adapter/fit.ts'

/**
 * @param name of the adapter, for errors
 * @throws GraftError `adapter`, `adapter-base`, `safetensors`
 */
export const readAdapter = async (files: AdapterFiles, base: BaseIdentity, name: string): Promise<Adapter> =>
  checkAdapter(await parseAdapter(files, name), base, name)
