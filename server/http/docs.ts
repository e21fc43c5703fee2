import { refuse } from '../rpc/failure.ts'
import { referencePage, startScript, viewerMissingPage } from './docs/page.ts'
import { createViewer, type Locate, locateInstalled, type ViewerFile, viewerFiles } from './docs/viewer.ts'
import type { Answer, HeaderMap } from './exchange.ts'
import { answerWith, createResource } from './resource.ts'
import type { Route } from './route.ts'

export interface DocsParts {
  /** The OpenAPI document as it was written when the project was built. */
  readonly document: { readonly info: { readonly title: string } }
  readonly locate?: Locate
}

/** Only our own files run, and they reach this origin only. The viewer draws its icons from data: addresses. */
const pageHeaders: HeaderMap = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'none'",
  ].join('; '),
}

const html = 'text/html; charset=utf-8'
const javascript = 'text/javascript; charset=utf-8'

/** The OpenAPI document, and a page to read it and try it out, made of local files alone. */
export const docsRoutes = ({ document, locate = locateInstalled }: DocsParts): Route[] => {
  const { title } = document.info
  const specification = createResource('application/json', JSON.stringify(document))
  const page = createResource(html, referencePage(title), pageHeaders)
  const start = createResource(javascript, startScript, pageHeaders)
  const viewer = createViewer(locate, pageHeaders)
  const fileRoute = (file: ViewerFile) =>
    route(`/docs/${file}`, async (visit) => {
      const files = await viewer().catch((cause: unknown) => Promise.reject(refuse('route.not_found', { cause })))
      return answerWith(files[file], visit)
    })
  return [
    route('/openapi.json', (visit) => answerWith(specification, visit)),
    route('/docs', async (visit) => {
      const isInstalled = await viewer().then(Boolean, () => false)
      return isInstalled ? answerWith(page, visit) : viewerMissing(title)
    }),
    route('/docs/start.js', (visit) => answerWith(start, visit)),
    ...viewerFiles.map(fileRoute),
  ]
}

const route = (path: string, serve: Route['serve']): Route => ({ method: 'GET', path, serve, isSystem: true })

const viewerMissing = (title: string): Answer => ({
  status: 200,
  headers: { ...pageHeaders, 'content-type': html, 'cache-control': 'no-store' },
  body: viewerMissingPage(title),
})
