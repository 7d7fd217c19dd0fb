/** `/docs` as HTML: a first call, and every route with its fields, examples and answers, of the OpenAPI document. */
import { html } from 'hono/html'
import type { ModelStatus } from '../service.ts'
import { type ApiDocument, exampleOf, type Field, fieldsOf, type Operation, type Schema, typeOf } from './document.ts'

export interface PageOptions {
  document: ApiDocument
  /** What is served; nothing where it takes a key to know. */
  models: readonly ModelStatus[]
  hasKeys: boolean
  /** Of the server, as the client calls it. */
  origin: string
}

type Html = ReturnType<typeof html>

interface Route {
  method: string
  path: string
  operation: Operation
}

/** The whole page. */
export function docsPage(options: PageOptions): Html {
  const { info } = options.document
  const groups = routesByTag(options.document)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${info.title} API</title>
        <link rel="icon" href="docs/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="docs/style.css" />
        <script type="module" src="docs/script.js"></script>
      </head>
      <body>
        <header>
          <img src="docs/icon.svg" alt="" />
          <h1>${info.title} API</h1>
          <p class="note">Version ${info.version}, <a href="openapi.json">OpenAPI document</a></p>
        </header>
        <div class="layout">
          <nav aria-label="Contents">
            <a href="#first-call">First call</a>
            ${[...groups.keys()].map((tag) => html`<a href="#${anchor(tag)}">${tag}</a>`)}
          </nav>
          <main>
            ${firstCall(options)}
            <div class="intro">
              ${info.description.split('\n\n').map((text) => html`<p class="note">${withCode(text)}</p>`)}
            </div>
            ${[...groups].map(([tag, routes]) => routeGroup(tag, routes, options))}
          </main>
        </div>
      </body>
    </html>`
}

const EXAMPLE = 'You have won a free prize! Call now to claim.'

function firstCall({ models, hasKeys, origin }: PageOptions): Html {
  const targets = models.flatMap(({ name, adapters, kind }) =>
    kind === 'merged' ? [[name]] : adapters.map((adapter) => [name, adapter.name]),
  )
  const isOneModel = models.length === 1
  const [model, adapter] = targets[0] ?? []
  const body = { inputs: EXAMPLE, ...(!isOneModel && { model }), ...(adapter !== undefined && { adapter }) }
  const choice = html`<label
    >Model and adapter
    <select id="target">
      ${targets.map(
        ([name, inner]) =>
          html`<option value="${JSON.stringify([isOneModel ? '' : name, inner ?? ''])}">
            ${inner === undefined ? name : `${name}: ${inner}`}
          </option>`,
      )}
    </select></label
  >`
  const names = html`<label>Key <input id="key" type="password" autocomplete="off" /></label>
    <label>Model, where there are several <input id="model" autocomplete="off" spellcheck="false" /></label>
    <label>Adapter, where there are several <input id="adapter" autocomplete="off" spellcheck="false" /></label>`
  return html`<section id="first-call">
    <h2>First call</h2>
    <div class="call">
      <form id="call">
        <label>Text <textarea id="text" dir="auto">${EXAMPLE}</textarea></label>
        <div class="row">
          ${hasKeys ? names : choice}
          <button class="main">Classify</button>
        </div>
      </form>
      <div class="result" id="result" role="status"></div>
      ${codeBlock(curl(`${origin}/v1/classify`, { body, hasKey: hasKeys }), 'command')}
    </div>
  </section>`
}

function routesByTag({ paths }: ApiDocument): Map<string, Route[]> {
  const groups = new Map<string, Route[]>()
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] ?? 'Other'
      groups.set(tag, [...(groups.get(tag) ?? []), { method, path, operation }])
    }
  }
  return groups
}

const anchor = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-')

const routeGroup = (tag: string, routes: readonly Route[], options: PageOptions): Html =>
  html`<section id="${anchor(tag)}">
    <h2>${tag}</h2>
    ${routes.map((route) => routeDetails(route, options))}
  </section>`

function routeDetails({ method, path, operation }: Route, { document, hasKeys, origin }: PageOptions): Html {
  const { summary, description, parameters = [], requestBody, responses, security } = operation
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? []
  const isAdmin = security?.some((each) => 'adminKey' in each) ?? false
  const isForm = type === 'multipart/form-data'
  const example = {
    method: method.toUpperCase(),
    hasKey: isAdmin || (hasKeys && !path.startsWith('/v2/health/')),
    isAdmin,
    ...(content &&
      (isForm
        ? { files: Object.keys(fileNames(content.schema, document)) }
        : { body: exampleOf(content.schema, document) })),
  }
  const url = `${origin}${path.replace(/\{(\w+)\}/g, (_, name: string) => String(parameterExample(name, parameters)))}`
  const asFields = parameters.map(({ name, in: place, required = false, schema, description: text = '' }) => ({
    path: name,
    type: `${typeOf(schema, document)}, in the ${place}`,
    required,
    description: text || (schema.description ?? ''),
  }))
  return html`<details id="${anchor(`${method} ${path}`)}">
    <summary>
      <span class="method ${method}">${method.toUpperCase()}</span>
      <span class="path">${path}</span>
      ${isAdmin ? html`<span class="key">admin key</span>` : ''}
      <span class="note">${summary}</span>
    </summary>
    <div class="body">
      ${description ? html`<p>${withCode(description)}</p>` : ''} ${codeBlock(curl(url, example))}
      ${fieldList('Parameters', asFields)} ${content ? fieldList('Body', fieldsOf(content.schema, document)) : ''}
      ${answers(responses, document)}
    </div>
  </details>`
}

const fileNames = (schema: Schema, document: ApiDocument) =>
  Object.fromEntries(fieldsOf(schema, document).map(({ path }) => [path, true]))

const parameterExample = (name: string, parameters: NonNullable<Operation['parameters']>) =>
  parameters.find((each) => each.name === name)?.schema.example ?? name

function answers(responses: Operation['responses'], document: ApiDocument): Html {
  const lines = Object.entries(responses).map(
    ([status, { description }]) =>
      html`<div>
        <dt>${status}</dt>
        <dd>${withCode(description)}</dd>
      </div>`,
  )
  const [success] = Object.values(responses)
  const content = success?.content?.['application/json']
  return html`${content ? fieldList('Answer', fieldsOf(content.schema, document)) : ''}
    <div class="group">
      <h3>Statuses</h3>
      <dl class="fields">${lines}</dl>
    </div>`
}

function fieldList(title: string, fields: readonly Field[]): Html | string {
  if (fields.length === 0) return ''
  return html`<div class="group">
    <h3>${title}</h3>
    <dl class="fields">
      ${fields.map(
        ({ path, type, required, description }) =>
          html`<div>
            <dt>${path}</dt>
            <dd>
              <span class="type">${type}${required ? ', required' : ''}</span>
              ${description ? html`<p>${withCode(description)}</p>` : ''}
            </dd>
          </div>`,
      )}
    </dl>
  </div>`
}

interface Curl {
  method?: string
  body?: unknown
  files?: string[]
  hasKey: boolean
  isAdmin?: boolean
}

function curl(url: string, { method = 'POST', body, files, hasKey, isAdmin = false }: Curl): string {
  const parts = [
    `curl ${method === 'GET' || (method === 'POST' && body !== undefined) ? '' : `-X ${method} `}${url}`,
    ...(hasKey ? [`-H "Authorization: Bearer $${isAdmin ? 'GRAFT_ADMIN_KEY' : 'GRAFT_API_KEY'}"`] : []),
    ...(body === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`]),
    ...(files ?? []).map((name) => `-F ${name}=@${name}`),
  ]
  return parts.join(' ')
}

const codeBlock = (text: string, id?: string): Html =>
  html`<div class="code">
    <pre ${id === undefined ? '' : html`id="${id}"`}>${text}</pre>
    <button type="button" data-copy hidden>Copy</button>
  </div>`

/** Text whose `code` is marked as Markdown marks it. */
const withCode = (text: string) => text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))
