/** Turns zod's complaints about a request into problems that name each field by its path. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { ValidationTargets } from 'hono'
import type { z } from 'zod'
import type { ServeEnv } from './context.ts'
import { type FieldError, invalidRequest } from './problem.ts'

const places: Record<keyof ValidationTargets, FieldError['in']> = {
  json: 'body',
  form: 'body',
  query: 'query',
  param: 'path',
  header: 'header',
  cookie: 'header',
}

type Issue = z.core.$ZodIssue

/** A value that fits no member of a union is described by the member that it fits best: the one that fails deepest. */
function flatten(issue: Issue): { path: PropertyKey[]; message: string }[] {
  if (issue.code !== 'invalid_union') return [issue]
  const members = issue.errors.map((issues) => issues.flatMap(flatten))
  const depth = (issues: (typeof members)[number]) => Math.max(0, ...issues.map(({ path }) => path.length))
  const deepest = Math.max(0, ...members.map(depth))
  if (deepest === 0)
    return [{ path: issue.path, message: members.flatMap((each) => each.map(({ message }) => message)).join(', or ') }]
  const best = members.find((issues) => depth(issues) === deepest) ?? []
  return best.map(({ path, message }) => ({ path: [...issue.path, ...path], message }))
}

const toFieldErrors = (error: z.core.$ZodError, target: keyof ValidationTargets): FieldError[] =>
  error.issues.flatMap(flatten).map(({ path, message }) => ({
    in: places[target],
    path: path.map(String).join('.'),
    message,
  }))

/** A set of routes whose requests are checked against their schemas. */
export const createRouter = () =>
  new OpenAPIHono<ServeEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(toFieldErrors(result.error, result.target))
    },
  })
