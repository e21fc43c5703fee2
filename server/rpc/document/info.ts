import { name } from '../../version.ts'
import type { DocumentInfo } from './shape.ts'

/** What the document says of itself. */
export const documentInfo = (version: string): DocumentInfo => ({
  title: name,
  version,
  description: [
    'Every answer is `{success: true, data, request_id}`, every refusal `{success: false, error: {code, message, meta?}, request_id}`;',
    'programs decide by `error.code`. New fields may appear at any time; a new code of an entry is a breaking change and is announced as one.',
    'Lists give `next_cursor`, to be sent as `cursor` for what follows; it is null at the end.',
    'A mutation that takes an `Idempotency-Key` can be sent again without a second effect.',
    'The operation ids are the paths of the tRPC router under `/trpc` and of the typed client.',
  ].join('\n'),
})
