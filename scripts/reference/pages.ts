import { errorAdvice } from '../../contract/errorAdvice.ts'
import { contract } from '../../contract/index.ts'
import { errors } from '../../contract/vocabulary.ts'
import manifest from '../../package.json' with { type: 'json' }
import { readDocument } from '../../server/cli/openapi/document.ts'
import { documentInfo } from '../../server/rpc/document/info.ts'
import { createDocument } from '../../server/rpc/document.ts'
import type { Page } from '../writePages.ts'
import { renderErrorsPage } from './errorsPage.ts'
import { renderRestPage } from './restPage.ts'

/** The pages that are made from the contract, by their place in the project. */
export const referencePages = (): Page[] => {
  const document = readDocument(JSON.stringify(createDocument(contract, documentInfo(manifest.version))))
  return [
    { path: 'docs/errors.md', text: renderErrorsPage(contract, errors, errorAdvice) },
    { path: 'docs/rest.md', text: renderRestPage(contract, document) },
  ]
}
