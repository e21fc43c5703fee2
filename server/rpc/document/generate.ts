import { initTRPC } from '@trpc/server'
import { generateOpenApiDocument, type OpenApiMeta } from 'trpc-to-openapi'
import { z } from 'zod'
import type { Contract, Entry } from '../../../contract/define.ts'
import { Failed, succeeded } from '../../../contract/envelope.ts'
import type { ApiDocument, DocumentInfo } from './shape.ts'
import { systemPaths } from './systemPaths.ts'

const t = initTRPC.meta<OpenApiMeta>().create()

/**
 * What trpc-to-openapi makes of the contract: parameters, bodies, answers and named schemas. Its responses and its
 * security are not ours yet.
 * @throws Error for an entry it cannot document: two on one route, a path field that the input lacks, a query field
 * that is an object.
 */
export const generate = (contract: Contract, { title, version, description }: DocumentInfo): ApiDocument =>
  generateOpenApiDocument(documentationRouter(contract), {
    title,
    version,
    description,
    baseUrl: '/',
    tags: [...Object.keys(contract), 'system'],
    defs: { Failure: Failed },
    paths: systemPaths,
  }) as unknown as ApiDocument

const documentationRouter = (contract: Contract) => {
  const features = Object.entries(contract).map(([feature, entries]) => {
    const procedures = Object.entries(entries).map(([name, rules]) => [name, documented(feature, name, rules)])
    return [feature, Object.fromEntries(procedures)]
  })
  return t.router(Object.fromEntries(features))
}

const documented = (feature: string, name: string, rules: Entry) => {
  const [method, path] = rules.http
  const base = t.procedure.meta({
    openapi: {
      method,
      path,
      operationId: `${feature}.${name}`,
      summary: rules.summary,
      tags: [feature],
      protect: false,
      // None of its own error schemas: they are kept by code for the whole process, so the first entry names them all.
      errorResponses: [],
    },
  })
  const asked = rules.input ? (base.input(rules.input) as unknown as typeof base) : base
  const { output } = rules
  // A stream sends its events without an envelope.
  const isBare = output instanceof z.ZodVoid || rules.kind === 'subscription'
  const answered = asked.output(isBare ? output : succeeded(output))
  return rules.kind === 'mutation' ? answered.mutation(unanswered) : answered.query(unanswered)
}

/** Nobody calls a documentation router. */
const unanswered = (): never => {
  throw new Error('This router documents the contract and answers nothing.')
}
