/** `PUT`, `DELETE /v1/adapters/{name}` and `POST …/reload`: adapters come, change and go while the server runs. */
import { createRoute, z } from '@hono/zod-openapi'
import type { AdapterFiles } from '../../core/adapter.ts'
import { MAX_JSON_BYTES, MAX_WEIGHTS_BYTES, parseAdapterJson } from '../adapter-files.ts'
import { requireAdmin } from '../auth.ts'
import { formBody } from '../body.ts'
import { onlyModel } from '../classify.ts'
import type { Parts } from '../context.ts'
import { invalidRequest, RequestError } from '../problem.ts'
import { adapterName, jsonContent, modelName, problems, withTask } from '../schemas.ts'
import type { AdapterStatus } from '../service.ts'
import { createRouter } from '../validation.ts'
import { adapterSchema } from './models.ts'

/** Bytes of an upload: its files, and what a form puts around them. */
const MAX_UPLOAD = MAX_WEIGHTS_BYTES + 4 * MAX_JSON_BYTES

const params = z.object({ name: adapterName })
const query = z.object({
  model: modelName.optional().openapi({ description: 'May be left out where only one model takes adapters.' }),
})

const folder = z
  .string()
  .max(512)
  .regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/, 'is not a plain path: no .., no leading /')
  .openapi({ description: 'Read the adapter from this folder inside `--adapter-dir`, instead of uploading it.' })

const file = (description: string) => z.file().openapi({ type: 'string', format: 'binary', description })

const uploadSchema = z
  .object({
    'adapter_config.json': file('As PEFT writes it.'),
    'adapter_model.safetensors': file('As PEFT writes it.'),
    'graft.json': file('As `graft train` writes it.'),
  })
  .openapi('AdapterFolder')

type Upload = z.infer<typeof uploadSchema>

const tags = ['Models and adapters']
const security = [{ adminKey: [] }]
const changeProblems = problems(400, 401, 403, 404, 503)

function routes({ adminKeys }: Parts) {
  const admin = requireAdmin(adminKeys)
  const put = createRoute({
    method: 'put',
    path: '/v1/adapters/{name}',
    tags,
    security,
    summary: 'Add or replace an adapter',
    description:
      'Its files are checked before anything changes. Requests on their way finish with the version they met.',
    middleware: [admin, formBody(MAX_UPLOAD)],
    request: {
      params,
      query: query.extend({ folder: folder.optional() }),
      body: { content: { 'multipart/form-data': { schema: uploadSchema } } },
    },
    responses: {
      200: { description: 'It was replaced', content: jsonContent(adapterSchema) },
      201: { description: 'It was added', content: jsonContent(adapterSchema) },
      ...changeProblems,
      ...problems(413, 415),
    },
  })
  const reload = createRoute({
    method: 'post',
    path: '/v1/adapters/{name}/reload',
    tags,
    security,
    summary: 'Read an adapter from disk again',
    middleware: admin,
    request: { params, query },
    responses: { 200: { description: 'It was read', content: jsonContent(adapterSchema) }, ...changeProblems },
  })
  const remove = createRoute({
    method: 'delete',
    path: '/v1/adapters/{name}',
    tags,
    security,
    summary: 'Remove an adapter',
    middleware: admin,
    request: { params, query },
    responses: { 204: { description: 'It is gone' }, ...changeProblems },
  })
  return { put, reload, remove }
}

async function readJsonFile(upload: File, path: keyof Upload): Promise<unknown> {
  const refuse = (message: string) => invalidRequest([{ in: 'body', path, message }])
  if (upload.size > MAX_JSON_BYTES) throw refuse(`is larger than ${MAX_JSON_BYTES} bytes`)
  const { value, problem } = parseAdapterJson(new Uint8Array(await upload.arrayBuffer()))
  if (problem) throw refuse(problem.message)
  return value
}

const readUpload = async (upload: Upload): Promise<AdapterFiles> => ({
  'adapter_config.json': await readJsonFile(upload['adapter_config.json'], 'adapter_config.json'),
  'adapter_model.safetensors': new Uint8Array(await upload['adapter_model.safetensors'].arrayBuffer()),
  'graft.json': await readJsonFile(upload['graft.json'], 'graft.json'),
})

const noSource = () =>
  new RequestError(400, 'invalid-request', 'there is neither an upload nor a folder', {
    hint: 'Send the three files of an adapter folder as multipart/form-data, or name a folder: ?folder=NAME.',
    errors: [{ in: 'query', path: 'folder', message: 'is missing' }],
  })

const toResponse = ({ name, version, labels, problemType, thresholds, maxLength, resident }: AdapterStatus) =>
  withTask({ name, version, labels, problemType, thresholds, maxLength, resident })

const noName = () => {
  throw invalidRequest([{ in: 'path', path: 'name', message: 'is missing: /v1/adapters/NAME' }])
}

export function adapterRoutes(parts: Parts) {
  const { service } = parts
  const { put, reload, remove } = routes(parts)
  const modelOf = (model: string | undefined) =>
    model ??
    onlyModel(
      service.models().filter(({ kind }) => kind === 'unmerged'),
      'query',
    )
  return createRouter()
    .openapi(put, async (c) => {
      const [{ name }, { model: asked, folder }] = [c.req.valid('param'), c.req.valid('query')]
      const model = modelOf(asked)
      // Without a body the upload is `{}`: the library checks a body's schema only where one came.
      const upload: Partial<Upload> = c.req.valid('form')
      if (folder === undefined && !upload['graft.json']) throw noSource()
      const status =
        folder === undefined
          ? await service.putAdapter(model, name, await readUpload(c.req.valid('form')))
          : await service.loadAdapter(model, name, folder)
      return c.json(toResponse(status), status.created ? 201 : 200)
    })
    .openapi(reload, async (c) => {
      const { name } = c.req.valid('param')
      return c.json(toResponse(await service.loadAdapter(modelOf(c.req.valid('query').model), name)), 200)
    })
    .openapi(remove, async (c) => {
      await service.removeAdapter(modelOf(c.req.valid('query').model), c.req.valid('param').name)
      return c.body(null, 204)
    })
    .all('/v1/adapters/', noName)
    .all('/v1/adapters//reload', noName)
}
