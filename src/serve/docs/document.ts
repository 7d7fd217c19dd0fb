/** What the page reads of an OpenAPI document, and the lines that it shows of a schema. */

export interface Schema {
  $ref?: string
  type?: string | string[]
  description?: string
  example?: unknown
  default?: unknown
  enum?: unknown[]
  format?: string
  pattern?: string
  minimum?: number
  maxItems?: number
  maxLength?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  allOf?: Schema[]
}

type Content = Record<string, { schema: Schema }>

export interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema: Schema
}

export interface Operation {
  tags: string[]
  summary: string
  description?: string
  security?: Record<string, unknown>[]
  parameters?: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, { description: string; content?: Content }>
}

export interface ApiDocument {
  info: { title: string; version: string; description: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

/** One field of a body, by its path. */
export interface Field {
  path: string
  type: string
  required: boolean
  description: string
}

/** Follows references, and puts the parts of `allOf` together. */
function resolveSchema(schema: Schema, document: ApiDocument): Schema {
  const name = schema.$ref?.split('/').at(-1)
  if (name !== undefined) return resolveSchema(document.components.schemas[name] ?? {}, document)
  if (!schema.allOf) return schema
  const parts = schema.allOf.map((part) => resolveSchema(part, document))
  return {
    ...schema,
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
    required: parts.flatMap(({ required = [] }) => required),
  }
}

/** Such as `string`, `integer or null`, `string or string[]`. */
export function typeOf(schema: Schema, document: ApiDocument): string {
  const { anyOf, type, items, enum: values } = resolveSchema(schema, document)
  if (anyOf) return anyOf.map((each) => typeOf(each, document)).join(' or ')
  if (values) return values.map((value) => JSON.stringify(value)).join(' or ')
  if (items) return `${typeOf(items, document)}[]`
  return [type ?? 'object'].flat().join(' or ')
}

/** All fields of a schema, those within others by their paths: `results[].label`. */
export function fieldsOf(schema: Schema, document: ApiDocument, prefix = ''): Field[] {
  const { properties = {}, required = [], items } = resolveSchema(schema, document)
  if (items) return fieldsOf(items, document, `${prefix}[]`)
  return Object.entries(properties).flatMap(([name, inner]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    const field = {
      path,
      type: typeOf(inner, document),
      required: required.includes(name),
      description: describeField(resolveSchema(inner, document)),
    }
    return [field, ...fieldsOf(inner, document, path)]
  })
}

function describeField({ description = '', default: value }: Schema): string {
  return value === undefined ? description : `${description} Default: ${JSON.stringify(value)}.`.trim()
}

/** A body that the schema lets pass, of the examples that it holds. */
export function exampleOf(schema: Schema, document: ApiDocument): unknown {
  const { example, properties, required = [], items, anyOf, enum: values } = resolveSchema(schema, document)
  if (example !== undefined) return example
  if (values) return values[0]
  if (anyOf?.[0]) return exampleOf(anyOf[0], document)
  if (items) return [exampleOf(items, document)]
  const named = Object.entries(properties ?? {}).filter(([name]) => required.includes(name))
  return Object.fromEntries(named.map(([name, inner]) => [name, exampleOf(inner, document)]))
}
