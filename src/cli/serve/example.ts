/** A command line that asks the server that is running. */
import type { ModelStatus } from '../../serve/index.ts'

/** `curl …` for the first model, with what it takes to choose one. */
export function curlExample(url: string, models: readonly ModelStatus[], { hasKeys }: { hasKeys: boolean }): string {
  const [model] = models
  const adapter = model?.adapters[0]?.name
  const body = JSON.stringify({
    inputs: 'You have won a free prize! Call now to claim.',
    ...(models.length > 1 && { model: model?.name }),
    ...(adapter !== undefined && { adapter }),
  })
  const key = hasKeys ? ` -H "Authorization: Bearer $GRAFT_API_KEY"` : ''
  return `curl ${url}/v1/classify${key} -H 'Content-Type: application/json' -d '${body}'`
}
