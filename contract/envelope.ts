import { z } from 'zod'

const RequestId = z.string().meta({ description: 'The X-Request-ID of this reply, to be named in reports.' })

/** A REST reply that carries an answer. A 204 has no body and so no envelope. */
export const succeeded = <T extends z.ZodType>(data: T) =>
  z.object({ success: z.literal(true), data, request_id: RequestId })

/** A REST reply that refuses. `code` is stable and for programs, `message` is for people and may change. */
export const Failed = z
  .object({
    success: z.literal(false),
    error: z.object({
      code: z.string(),
      message: z.string(),
      meta: z
        .looseObject({
          fields: z
            .record(z.string(), z.string())
            .optional()
            .meta({ description: 'With `validation`: what is wrong with each field.' }),
        })
        .optional(),
    }),
    request_id: RequestId,
  })
  .meta({ id: 'Failure' })
